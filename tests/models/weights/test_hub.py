"""Known models: where they are, how they come, and what they must be."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from file_server import Served, serve
from huggingface_hub import constants
from random_sam import SMALL_VIT, random_sam
from safetensors.torch import save

from sampipe.errors import CheckpointError
from sampipe.models.load import load_model
from sampipe.models.weights import digests, hub, known
from sampipe.models.weights.naming import to_transformers

OFFICIAL = ("vit_b", "vit_l", "vit_h")
CONTENT = b"weights, let us say"


@pytest.fixture(autouse=True)
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No model is installed and the network is allowed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    for name in ("SAMPIPE_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # read from the environment when it was imported
    return tmp_path


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(Served(CONTENT)) as serving:
        yield serving


def put_in_table(monkeypatch: pytest.MonkeyPatch, model: known.KnownModel) -> known.KnownModel:
    monkeypatch.setitem(known._BY_NAME, model.name, model)
    return model


def test_the_table_lists_every_model_and_its_digest(empty_caches: Path) -> None:
    rows = {row.name: row for row in hub.models_table()}
    assert list(rows) == [
        "nano", "mobile_sam", "vit_b", "vit_l", "vit_h",
        "facebook/sam-vit-base", "facebook/sam-vit-large", "facebook/sam-vit-huge",
    ]  # fmt: skip
    assert rows["nano"].digest == "embedded"
    assert {rows[name].digest for name in OFFICIAL} == {"published prefix"}
    assert rows["mobile_sam"].digest == "recorded"
    assert rows["facebook/sam-vit-huge"].digest == "pinned on first download"
    for row in rows.values():
        assert row.licence == "Apache-2.0"
        if row.name != "nano":
            assert row.source.startswith("https://")
            assert row.parameters > 9_000_000
            assert row.path is None


@pytest.mark.parametrize("name", [*OFFICIAL, "mobile_sam"])
def test_known_digests_are_whole(name: str) -> None:
    model = known.known_model(name)
    assert model.sha256 is not None and re.fullmatch("[0-9a-f]{64}", model.sha256)
    assert model.file == model.url.rpartition("/")[2]
    if name in OFFICIAL:
        assert model.md5_prefix == model.file.removesuffix(".pth").rpartition("_")[2]


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(CheckpointError, match=r"Did you mean 'vit_b'\?.*nano, mobile_sam"):
        hub.download("vit-b")


@pytest.mark.parametrize("variable", ["SAMPIPE_OFFLINE", "HF_HUB_OFFLINE"])
@pytest.mark.parametrize("name", ["vit_b", "mobile_sam", "facebook/sam-vit-base"])
def test_offline_the_error_names_file_url_and_place(
    empty_caches: Path, monkeypatch: pytest.MonkeyPatch, name: str, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    model = known.known_model(name)
    with pytest.raises(CheckpointError, match="offline") as caught:
        hub.download(name)
    message = str(caught.value)
    assert model.file in message
    assert model.url in message
    place = empty_caches / ("hub" if model.repository else "torch/checkpoints")
    assert str(place) in message


def test_offline_what_is_here_is_used(empty_caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPIPE_OFFLINE", "true")
    path = empty_caches / "torch" / "checkpoints" / "mobile_sam.pt"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert hub.download("mobile_sam") == path
    with pytest.raises(CheckpointError, match="not the mobile_sam weights"):
        hub.verify("mobile_sam")


def tiny(served: Served, **changes: object) -> known.KnownModel:
    """A known model that the local server has."""
    model = known.KnownModel(
        name="tiny",
        file="tiny_0.pth",
        parameters=1,
        url=f"{served.url}/tiny_0.pth",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        md5_prefix=hashlib.md5(CONTENT).hexdigest()[:6],
    )
    return replace(model, **changes)  # type: ignore[arg-type]


def test_download_and_verify(
    empty_caches: Path, monkeypatch: pytest.MonkeyPatch, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    model = put_in_table(monkeypatch, tiny(served))
    served.cuts = [5]
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    path = hub.download("tiny")
    assert path == empty_caches / "torch" / "checkpoints" / "tiny_0.pth"
    assert path.read_bytes() == CONTENT
    assert hub.verify("tiny") == model.sha256
    assert hub.download("tiny") == path
    assert len(served.ranges) == 2
    assert capsys.readouterr().err == ""  # no bar where nobody looks
    path.write_bytes(CONTENT + b"!")
    with pytest.raises(CheckpointError, match="MD5"):
        hub.verify("tiny")


@pytest.mark.parametrize("changes", [{"sha256": "0" * 64}, {"md5_prefix": "000000"}])
def test_another_file_than_published_is_refused(
    empty_caches: Path, monkeypatch: pytest.MonkeyPatch, served: Served, changes: dict[str, str]
) -> None:
    put_in_table(monkeypatch, tiny(served, **changes))
    with pytest.raises(CheckpointError, match=next(iter(changes.values()))):
        hub.download("tiny")
    assert [path.suffix for path in (empty_caches / "torch" / "checkpoints").iterdir()] == [".lock"]


def test_a_name_is_downloaded_and_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    torch.save(random_sam(SMALL_VIT).state_dict(), file)
    with serve(Served(file.getvalue())) as served:
        digest = hashlib.sha256(file.getvalue()).hexdigest()
        put_in_table(monkeypatch, tiny(served, sha256=digest, md5_prefix=None))
        model = load_model("tiny", "cpu")
        assert load_model("tiny", "cpu") is model
    assert (model.name, model.key, model.config) == ("tiny", digest, SMALL_VIT)
    assert len(served.ranges) == 1


def test_the_progress_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with hub._bar("model.pth", show=True) as report:
        assert report is not None
        report(500_000, 1_000_000)
    printed = capsys.readouterr()
    assert "model.pth" in printed.err and "0.5/1.0 MB" in printed.err
    assert printed.out == ""


def test_verifying_what_is_not_installed() -> None:
    with pytest.raises(CheckpointError, match=r"vit_b: not installed\. Download https://dl.fbaipublicfiles.com"):
        hub.verify("vit_b")


def test_a_first_download_is_pinned(empty_caches: Path, monkeypatch: pytest.MonkeyPatch, served: Served) -> None:
    model = put_in_table(monkeypatch, tiny(served, sha256=None, md5_prefix=None))
    assert digests.pinned_digest(model) is None
    path = hub.download("tiny")
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert digests.pinned_digest(model) == digest
    assert json.loads(digests.pins_file().read_text()) == {model.url: digest}
    path.unlink()
    served.content = b"something else now"
    with pytest.raises(CheckpointError, match=f"that came first.*{digest}.*delete the entry"):
        hub.download("tiny")
    assert not path.exists()


def test_where_no_note_can_be_kept_it_is_said(
    empty_caches: Path, monkeypatch: pytest.MonkeyPatch, served: Served
) -> None:
    put_in_table(monkeypatch, tiny(served, sha256=None, md5_prefix=None))
    (empty_caches / "cache").write_text("a file where the folder would be")
    with pytest.warns(UserWarning, match="tiny: its digest could not be noted"):
        path = hub.download("tiny")
    assert path.read_bytes() == CONTENT


def test_an_unreadable_note_of_pins_is_an_error(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_table(monkeypatch, tiny(served, sha256=None, md5_prefix=None))
    digests.pins_file().parent.mkdir(parents=True)
    digests.pins_file().write_text("[1, 2")
    with pytest.raises(CheckpointError, match=r"cannot be read.*Delete the file"):
        hub.download("tiny")


def test_a_download_from_the_hub(empty_caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through huggingface_hub's own client, from a server that answers like the hub."""
    content = save({n: v.clone() for n, v in to_transformers(random_sam(SMALL_VIT).state_dict()).items()})
    digest = hashlib.sha256(content).hexdigest()
    headers = {"ETag": f'"{digest}"', "X-Repo-Commit": "0" * 40, "X-Linked-Size": str(len(content))}
    model = known.known_model("facebook/sam-vit-base")
    with serve(Served(content, headers=headers)) as served:
        path = hub._download_from_hub(model, "facebook/sam-vit-base", endpoint=served.url)
    assert path.read_bytes() == content
    assert path.is_relative_to(empty_caches / "hub")
    assert hub.installed_path(model) == path
    assert hub.verify(model.name) == digest
    row = next(row for row in hub.models_table() if row.name == model.name)
    assert (row.path, row.sha256, row.digest) == (path, digest, "pinned on first download")


def test_a_hub_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client tries for a while
    with serve(Served(b"")) as served:
        url = served.url
    model = known.known_model("facebook/sam-vit-base")
    with pytest.raises(CheckpointError, match=r"model\.safetensors could not be downloaded.*hf download facebook/"):
        hub._download_from_hub(model, "facebook/sam-vit-base", endpoint=url)
