"""The demonstration PACS: a second Orthanc on this machine, and the settings under which our node delivers to it."""

from appliance.settings import LOOPBACK, DestinationSettings, Settings

NAME = "demo-pacs"


def with_demo_pacs(settings: Settings) -> Settings:
    """The same settings with the demonstration PACS as a destination, unless one of that name is set already."""
    if any(place.name == NAME for place in settings.destinations):
        return settings
    place = DestinationSettings(
        name=NAME,
        kind="dimse",
        host=LOOPBACK,
        port=settings.demo.dicom_port,
        aet=settings.demo.aet,
        query_port=settings.demo.dicom_port,
    )
    return settings.model_copy(update={"destinations": (*settings.destinations, place)})


def explorer_url(settings: Settings) -> str:
    """Where a person looks at the demonstration PACS; user `demo`, password in the state folder's secrets."""
    return f"http://{LOOPBACK}:{settings.demo.http_port}/app/explorer.html"
