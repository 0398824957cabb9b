"""`python -m core field`: what it writes, and one sentence for what it cannot use."""

from pathlib import Path

import pytest
from PIL import Image

from core.__main__ import main
from tests.core.prediction.smears import White, draw


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "field.png"
    Image.fromarray(draw((White(2.5, 2.5),))).save(path)
    return path


def test_boxes_are_printed_and_written(image: Path, capsys: pytest.CaptureFixture[str]):
    file = image.with_name("boxes.csv")
    assert main(["field", str(image), "--boxes", str(file)]) == 0
    assert file.read_text().splitlines()[0] == "number,x,y,width,height,score,at_edge"
    assert f"1 boxes written to {file}" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_has_its_sentence(image: Path, capsys: pytest.CaptureFixture[str]):
    file = image.with_name("none") / "x.csv"
    assert main(["field", str(image), "--boxes", str(file)]) == 1
    assert capsys.readouterr().err == (
        f"{file} cannot be written (No such file or directory); name a file in a folder that is there.\n"
    )


def test_a_red_cell_of_no_size_has_its_sentence(image: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["field", str(image), "--red-cell", "inf"]) == 1
    assert capsys.readouterr().err == (
        "White cells cannot be looked for by a red cell of inf px; give between 4 and 2,000.\n"
    )
