"""The page of a study, its pictures and documents, and what can be done from there."""

from fastapi import APIRouter

from appliance.web.pages.section import Section
from appliance.web.pages.study import actions, live, objects, show

router = APIRouter(prefix="/studies", include_in_schema=False)
for part in (show.router, objects.router, live.router, actions.router):
    router.include_router(part)

SECTION = Section(router=router)
