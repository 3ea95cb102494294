"""Who may use the appliance: accounts, sessions, tokens, and the trail of what was done."""

from functools import cached_property

from appliance.bootstrap.limits import seconds
from appliance.bootstrap.reading import Reading
from appliance.services.accounts.desk import AccountDesk
from appliance.services.accounts.first_account import FirstAccount
from appliance.services.accounts.foreign import ForeignAccounts
from appliance.services.accounts.passwords import Passwords
from appliance.services.accounts.sessions import SignIn
from appliance.services.accounts.tokens import TokenDesk
from appliance.services.worklist.desk import ReadingDesk
from appliance.services.worklist.keeper import WorklistKeeper
from appliance.settings import Secrets
from appliance.store.api_tokens import ApiTokens
from appliance.store.audit_trail import AuditTrail
from appliance.store.openid_requests import OpenIdRequests
from appliance.store.reading_room import ReadingRoom
from appliance.store.sign_in_failures import SignInFailures
from appliance.store.users import Users
from appliance.store.web_sessions import WebSessions
from appliance.store.worklist import Worklist
from appliance.store.worklist_sources import WorklistSources
from appliance.store.worklist_views import WorklistViews


class People(Reading):
    """Everything about those who look at the appliance and command it."""

    @cached_property
    def users(self) -> Users:
        """The accounts."""
        return Users(self.ledger)

    @cached_property
    def audit(self) -> AuditTrail:
        """Who did what."""
        return AuditTrail(self.ledger)

    @cached_property
    def api_tokens(self) -> ApiTokens:
        """The tokens of programs."""
        return ApiTokens(self.ledger)

    @cached_property
    def web_sessions(self) -> WebSessions:
        """Who is signed in."""
        web = self.settings.web
        return WebSessions(self.ledger, idle=seconds(web.session_idle_s), longest=seconds(web.session_longest_s))

    @cached_property
    def _passwords(self) -> Passwords:
        return Passwords()

    @cached_property
    def account_desk(self) -> AccountDesk:
        """Makes and changes accounts."""
        return AccountDesk(self.users, self._passwords, self.audit)

    @cached_property
    def sign_in(self) -> SignIn:
        """Begins and ends sessions."""
        failures = SignInFailures(self.ledger)
        return SignIn(self.users, self._passwords, self.web_sessions, failures, self.audit)

    @cached_property
    def openid_requests(self) -> OpenIdRequests:
        """Who is at the OpenID provider just now."""
        return OpenIdRequests(self.ledger)

    @cached_property
    def foreign_accounts(self) -> ForeignAccounts:
        """The accounts of people whom the OpenID provider vouches for."""
        return ForeignAccounts(self.users, self.audit, self.settings.openid)

    @cached_property
    def token_desk(self) -> TokenDesk:
        """Issues and recognises tokens."""
        return TokenDesk(self.api_tokens, self.users, self.audit)

    @cached_property
    def worklist(self) -> Worklist:
        """What there is to read."""
        return Worklist(self.ledger)

    @cached_property
    def worklist_views(self) -> WorklistViews:
        """The lists that people gave names."""
        return WorklistViews(self.ledger)

    @cached_property
    def worklist_keeper(self) -> WorklistKeeper:
        """Keeps the worklist up with the ledger."""
        return WorklistKeeper(self.worklist, WorklistSources(self.ledger))

    @cached_property
    def reading_desk(self) -> ReadingDesk:
        """Has people claim, release and finish readings."""
        return ReadingDesk(ReadingRoom(self.ledger), self.audit)

    @cached_property
    def first_account(self) -> FirstAccount:
        """Opens an appliance without accounts; its code is in the state folder, mounted secrets or not."""
        return FirstAccount(Secrets(self.settings.state / "secrets"), self.users, self.account_desk, self.sign_in)
