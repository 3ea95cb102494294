"""What is taken out of a text, and what stays."""

import pytest

from appliance.node.scrubbing import Scrubber

STUDY = "1.2.826.0.1.3680043.8.498.12345678901234567890"


@pytest.mark.parametrize("uid", [STUDY, "2.25.329800735698586629295641978511506172918", "1.3.6.1.4.1.14519.5.2.1.7009"])
def test_uids_of_objects_go(uid: str) -> None:
    text = Scrubber()(f"study {uid}, again {uid}.")
    assert uid not in text
    assert text.count("uid-") == 2


@pytest.mark.parametrize(
    "text", ["Orthanc 1.12.7", "10.1.2.3:104", "2026-11-24 12:00:00.123", "1.2.840.10008.5.1.4.1.1.2", "0.1.0"]
)
def test_versions_addresses_times_and_the_standards_own_uids_stay(text: str) -> None:
    assert Scrubber()(text) == text


def test_a_uid_has_one_hash_in_a_bundle_and_another_in_the_next() -> None:
    one, other = Scrubber(), Scrubber()
    assert one(STUDY) == one(STUDY)
    assert one(STUDY) != other(STUDY)


def test_secrets_go_the_longer_first() -> None:
    assert Scrubber(["swordfish", "swordfish-17"])("password swordfish-17!") == "password [secret]!"


def test_a_secret_too_short_to_be_one_does_not_tear_words_apart() -> None:
    assert Scrubber(["", "a"])("a banana") == "a banana"
