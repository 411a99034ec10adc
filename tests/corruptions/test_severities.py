import pytest

from corruptions.registry import REGISTRY
from corruptions.severities import SIDES, TABLES

# Transcribed from the papers' own generators, levels 1 to 5; a colon separates the parameters of one level.
PUBLISHED = """
imagenet_c gaussian_noise    .08 .12 .18 .26 .38
imagenet_c shot_noise        60 25 12 5 3
imagenet_c impulse_noise     .03 .06 .09 .17 .27
imagenet_c speckle_noise     .15 .2 .35 .45 .6
imagenet_c defocus_blur      3:.1 4:.5 6:.5 8:.5 10:.5
imagenet_c motion_blur       10:3 15:5 15:8 15:12 20:15
imagenet_c brightness        .1 .2 .3 .4 .5
imagenet_c contrast          .4 .3 .2 .1 .05
imagenet_c jpeg_compression  25 18 15 10 7
cifar_c    gaussian_noise    .04 .06 .08 .09 .10
cifar_c    shot_noise        500 250 100 75 50
cifar_c    impulse_noise     .01 .02 .03 .05 .07
cifar_c    speckle_noise     .06 .1 .12 .16 .2
cifar_c    defocus_blur      .3:.4 .4:.5 .5:.6 1:.2 1.5:.1
cifar_c    motion_blur       6:1 6:1.5 6:2 8:2 9:2.5
cifar_c    brightness        .05 .1 .15 .2 .3
cifar_c    contrast          .75 .5 .4 .3 .15
cifar_c    jpeg_compression  80 65 58 50 40
tiny_c     gaussian_noise    .04 .08 .12 .15 .18
tiny_c     shot_noise        250 100 50 30 15
tiny_c     impulse_noise     .01 .02 .05 .08 .14
tiny_c     speckle_noise     .15 .2 .25 .3 .35
tiny_c     defocus_blur      .5:.6 1:.1 1.5:.1 2.5:.01 3:.1
tiny_c     motion_blur       10:1 10:1.5 10:2 10:2.5 12:3
tiny_c     brightness        .1 .2 .3 .4 .5
tiny_c     contrast          .4 .3 .2 .1 .05
tiny_c     jpeg_compression  65 58 50 40 25
ucf101_p   gaussian_noise    .08 .12 .18 .26 .38
ucf101_p   shot_noise        250 100 50 30 15
ucf101_p   impulse_noise     .03 .06 .09 .17 .27
ucf101_p   speckle_noise     .15 .2 .25 .3 .35
ucf101_p   defocus_blur      3:.1 4:.5 6:.5 8:.5 10:.5
ucf101_p   motion_blur       10:3 15:5 15:8 15:12 20:15
ucf101_p   jpeg_compression  25 18 15 10 7
ucf101_p   freeze            .4:1 .2:1 .1:1 .05:2 0:1
kinetics_c shot_noise        60 25 12 5 3
kinetics_c brightness        .1 .2 .3 .4 .5
kinetics_c contrast          .5 .4 .3 .2 .1
"""
ROWS = [row.split() for row in PUBLISHED.strip().splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_the_table_is_the_published_one(row: list[str]) -> None:
    profile, name, *levels = row
    assert TABLES[profile, name] == tuple(tuple(map(float, level.split(":"))) for level in levels)


def test_every_table_is_checked_above_and_belongs_to_a_corruption() -> None:
    assert {(profile, name) for profile, name, *_ in ROWS} == set(TABLES)
    assert {name for _, name in TABLES} == set(REGISTRY)
    assert {profile for profile, _ in TABLES} == set(SIDES)
