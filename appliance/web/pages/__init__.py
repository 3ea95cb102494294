"""The pages. Each module has a `SECTION`; the order here is the order of the navigation."""

from appliance.web.pages import account, entrance, openid, study, worklist
from appliance.web.pages.section import Section

SECTIONS: tuple[Section, ...] = (
    entrance.SECTION,
    openid.SECTION,
    worklist.SECTION,
    study.SECTION,
    account.SECTION,
)
