"""Tars are read to their marked end: what is cut off, damaged or stored in another way is refused, never left out."""

import io
import tarfile
from pathlib import Path

import pytest

from vidsparse.data.reading.tar_files import members
from vidsparse.utils.errors import DataError


def tar_of(path: Path, files: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    """A tar of these files."""
    with tarfile.open(path, "w", format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """Five files of 700 bytes, so of three blocks each."""
    return tar_of(tmp_path / "whole.tar", {f"{n}.png": bytes([n + 1]) * 700 for n in range(5)})


def test_a_whole_tar_is_read_with_any_padding_behind_its_end(whole: Path, tmp_path: Path) -> None:
    content, end = whole.read_bytes(), 5 * 3 * 512
    for after in (512, 1024, 30_000):  # one block of zeros marks the end, two are usual, programs fill up to records
        (tmp_path / "x.tar").write_bytes(content[:end] + bytes(after))
        found = members(tmp_path / "x.tar")
        assert {name: member.read()[:1] for name, member in found.items()} == {
            f"{n}.png": bytes([n + 1]) for n in range(5)
        }


@pytest.mark.parametrize("cut", [3 * 3 * 512, 3 * 3 * 512 + 100, 3 * 3 * 512 + 512, 5 * 3 * 512, 5 * 3 * 512 + 200])
def test_a_tar_cut_off_anywhere_is_refused(whole: Path, cut: int) -> None:
    """Between two files, within a head, behind a head, before the end's mark and within it."""
    whole.write_bytes(whole.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"whole\.tar"):
        members(whole)


def test_a_damaged_head_is_not_the_end(whole: Path) -> None:
    content = bytearray(whole.read_bytes())
    content[2 * 3 * 512 + 150] ^= 7  # its checksum
    whole.write_bytes(content)
    with pytest.raises(DataError, match=r"whole\.tar"):
        members(whole)


def test_files_behind_the_end_are_not_left_out_in_silence(whole: Path) -> None:
    whole.write_bytes(2 * whole.read_bytes())  # as `cat a.tar b.tar` makes it
    with pytest.raises(DataError, match=r"whole\.tar"):
        members(whole)


@pytest.mark.parametrize(
    "headers", [{"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a.png"}, {}]
)
def test_files_with_holes_are_refused(tmp_path: Path, headers: dict[str, str]) -> None:
    """Their bytes in the archive are not those of the file: of pax and of GNU's older form."""
    info = tarfile.TarInfo("a.png")
    info.size, info.pax_headers = 1024, headers and {**headers, "GNU.sparse.realsize": "4096"}
    info.type = tarfile.REGTYPE if headers else tarfile.GNUTYPE_SPARSE
    form = tarfile.PAX_FORMAT if headers else tarfile.GNU_FORMAT
    with tarfile.open(tmp_path / "holes.tar", "w", format=form) as archive:
        archive.addfile(info, io.BytesIO(b"1\n0\n512\n".ljust(512, b"\0") + bytes(512)))
    with pytest.raises(DataError, match=r"a\.png"):
        members(tmp_path / "holes.tar")


def test_a_hard_link_is_the_file_that_it_points_to(whole: Path, tmp_path: Path) -> None:
    """Programs store a file of two names once; the second name is not left out."""
    with tarfile.open(tmp_path / "links.tar", "w") as archive:
        for name, kind in (("a.png", tarfile.REGTYPE), ("b.png", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, "a.png" if name == "b.png" else "", 3 * (name == "a.png")
            archive.addfile(info, io.BytesIO(b"abc") if name == "a.png" else None)
    assert {name: member.read() for name, member in members(tmp_path / "links.tar").items()} == {
        "a.png": b"abc", "b.png": b"abc",
    }  # fmt: skip


def with_links(path: Path, links: dict[str, str]) -> Path:
    """A tar of one file and of symbolic links, which stand before it."""
    with tarfile.open(path, "w") as archive:
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
        info = tarfile.TarInfo("set/a/1.png")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))
    return path


def test_a_symbolic_link_is_the_file_or_the_folder_in_the_archive_that_it_leads_to(tmp_path: Path) -> None:
    links = {"set/b": "a", "set/a/2.png": "1.png", "set/c/3.png": "../b/2.png", "4.png": "./set/../set/a/1.png"}
    found = members(with_links(tmp_path / "links.tar", links))
    names = {"set/a/1.png", "set/b/1.png", "set/a/2.png", "set/b/2.png", "set/c/3.png", "4.png"}
    assert {name: member.read() for name, member in found.items()} == dict.fromkeys(names, b"abc")


def test_links_that_lead_out_of_the_archive_or_nowhere_are_counted_and_named(tmp_path: Path, capsys) -> None:
    links = {"out.png": "../a/1.png", "root.png": "/etc/passwd", "gone.png": "set/x.png", "round.png": "round.png"}
    assert set(members(with_links(tmp_path / "links.tar", links))) == {"set/a/1.png"}
    said = capsys.readouterr()
    assert "4 symbolic links" in said.out + said.err
    assert all(name in said.out + said.err for name in links)
