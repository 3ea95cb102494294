"""The web service: pages for people, the API for programs, and what the node asks of its own service.

`app.py` assembles. `security/` decides who passes, `shell.py` renders, `problems.py` answers errors, `i18n.py` speaks.

**A page.** Write `pages/NAME.py` with a router and a section, add it to `pages.SECTIONS`, and a template that extends
`page.html` (blocks `title`, `actions`, `content`; macros in `parts.html`; pieces such as card, badge, notice, facts,
table.data in `static/css/app.css`):

    router = APIRouter(prefix="/console/models", include_in_schema=False)
    SECTION = Section(router=router, entries=(NavEntry(
        path="/console/models", label=translatable("Models"), group=translatable("Console"),
        permission=Permission.MODELS_READ),))

    @router.get("")
    def models(request: Request, node: Node, visitor: Annotated[Visitor, requires(Permission.MODELS_READ)]) -> Response:
        return shell_of(request).page(request, "models.html", visitor=visitor, states=node.catalogue.states())

`node` is the wired `Appliance`. Entries with the same group stand under its heading, in the order of `SECTIONS`. Routes
that are plain functions run in threads and may block; `async` ones must not. A change is a POST that answers 303 to a
GET. The policy forbids inline scripts and styles: no `style=`, no `onclick=`; a script is a file in `static/js`.
htmx and its `sse` extension are on every page; a stream has to end when `node.sign_in` no longer knows the session.

**Who may.** Every route has a door, or the service does not start: `requires(Permission.X)`, `signed_in()`, or
`open_to_all("why")`. Permissions and the roles that have them are one table in `domain/access.py`. Patients' names,
identifiers and images need `PATIENTS_READ` or `DICOM_READ`; within a page ask `visitor.may(...)`. Requests that change
something are checked to come from our own pages by the door; forms need no token.

**The audit trail.** `node.audit.record(AuditEntry(kind=AuditKind.STUDY_OPENED, actor=visitor.actor,
study_instance_uid=uid))`, before the deed; kinds are in `domain/audit.py`. Never a patient's name.

**An error.** Raise one of `domain/errors.py`: it becomes a page or problem details with its code. To show it within a
page, catch it and use the macro `problem(error)`.

**A string.** English in the template as `{{ _("…") }}`, with values `{{ _("%(n)s studies", n=count | number) }}`; in
Python `translatable("…")`. Then `python -m tools.catalogues` prints what German lacks: put it into a `.po` file of
your part in `locales/de`. Moments, numbers and spans go through the filters of `i18n.Formats`.

**Tests.** `tests/helpers/people.py` has an appliance with accounts, and browsers; `tests/unit/web/conftest.py` the
fixture `signed_in(role)`. The libraries from npm come by `packaging/npm/fetch.sh`.
"""
