"""`appliance feedback`: figures and the evaluation set, from the command line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from appliance.cli import context
from appliance.cli.main import app
from appliance.domain.feedback import Verdict
from tests.helpers.received import analysed


def test_answers_are_counted_and_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node, study = analysed(tmp_path)
    monkeypatch.setattr(context, "appliance", lambda: node)
    work = node.study_page(study).works[0]
    uid, tracking = work.status.workitem.uid, work.cards[0].tracking_uid
    node.feedback_desk.answer(study, uid, tracking, Verdict.AGREE, reader="r", reader_name="R")
    run = CliRunner().invoke
    assert '"verdict": "agree"' in run(app, ["feedback", "figures", "--json"]).output
    done = run(app, ["feedback", "export", str(tmp_path / "set"), "--since", "2020-01-01"])
    assert done.exit_code == 0, done.output
    assert "1 answers, 3 objects" in " ".join(done.output.split())
    assert (tmp_path / "set" / "feedback.csv").is_file()
    node.close()
