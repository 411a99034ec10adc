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
ucf101_p   rotate            7 13 19 25 31
ucf101_p   static_rotate     7.5 15 30 45 90
ucf101_p   translate         8 16 24 32 40
ucf101_p   sampling          2 4 8 16 32
ucf101_p   reverse_sampling  2 4 8 16 32
ucf101_p   jumble            32 16 8 4 2
ucf101_p   box_jumble        4 9 16 25 36
ucf101_p   mpeg2             20 40 60 80 100
ucf101_p   mpeg4             15 30 45 60 75
kinetics_c frame_rate        20 16 12 9 6
kinetics_c clip_motion_blur  3 5 7 9 11
kinetics_c rain              770:10:.8 770:30:.8 770:60:.7 500:60:.6 400:80:.5
kinetics_c h264_crf          23 30 37 44 51
kinetics_c h265_crf          27 33 39 45 51
kinetics_c h264_abr          2 4 8 16 32
kinetics_c h265_abr          2 4 8 16 32
kinetics_c bit_error         100000 50000 30000 20000 10000
kinetics_c packet_loss       .01:1 .02:1 .03:1 .04:1 .06:1
kinetics_c shot_noise        60 25 12 5 3
kinetics_c brightness        .1 .2 .3 .4 .5
kinetics_c contrast          .5 .4 .3 .2 .1
imagenet_c gaussian_blur     1 2 3 4 6
imagenet_c glass_blur        .7:1:2 .9:2:1 1:2:3 1.1:3:2 1.5:4:2
imagenet_c zoom_blur         1.11:.01 1.16:.01 1.21:.02 1.26:.02 1.31:.03
imagenet_c snow              .1:.3:3:.5:10:4:.8 .2:.3:2:.5:12:4:.7 .55:.3:4:.9:12:8:.7 \
 .55:.3:4.5:.85:12:8:.65 .55:.3:2.5:.85:12:12:.55
imagenet_c frost             1:.4:1 .8:.6:1 .7:.7:1 .65:.7:1 .6:.75:1
imagenet_c fog               1.5:2:256:0 2:2:256:0 2.5:1.7:256:0 2.5:1.5:256:0 3:1.4:256:0
imagenet_c spatter           .65:.3:4:.69:.6:0 .65:.3:3:.68:.6:0 .65:.3:2:.68:.5:0 .65:.3:1:.65:1.5:1 .67:.4:1:.65:1.5:1
imagenet_c saturate          .3:0 .1:0 2:0 5:.1 20:.2
imagenet_c elastic_transform 244:2:.7:.1 244:2:.08:.2 244:.05:.01:.02 244:.07:.01:.02 244:.12:.01:.02
imagenet_c pixelate          .6 .5 .4 .3 .25
cifar_c    gaussian_blur     .4 .6 .7 .8 1
cifar_c    glass_blur        .05:1:1 .25:1:1 .4:1:1 .25:1:2 .4:1:2
cifar_c    zoom_blur         1.06:.01 1.11:.01 1.16:.01 1.21:.01 1.26:.01
cifar_c    snow              .1:.2:1:.6:8:3:.95 .1:.2:1:.5:10:4:.9 .15:.3:1.75:.55:10:4:.9 \
 .25:.3:2.25:.6:12:6:.85 .3:.3:1.25:.65:14:12:.8
cifar_c    frost             1:.2:.2 1:.3:.2 .9:.4:.2 .85:.4:.2 .75:.45:.2
cifar_c    fog               .2:3:32:0 .5:3:32:0 .75:2.5:32:0 1:2:32:0 1.5:1.75:32:0
cifar_c    spatter           .62:.1:.7:.7:.5:0 .65:.1:.8:.7:.5:0 .65:.3:1:.69:.5:0 .65:.1:.7:.69:.6:1 .65:.1:.5:.68:.6:1
cifar_c    saturate          .3:0 .1:0 1.5:0 2:.1 2.5:.2
cifar_c    elastic_transform 32:0:0:.08 32:.05:.2:.07 32:.08:.06:.06 32:.1:.04:.05 32:.1:.03:.03
cifar_c    pixelate          .95 .9 .85 .75 .65
tiny_c     gaussian_blur     .5 .75 1 1.25 1.5
tiny_c     glass_blur        .1:1:1 .5:1:1 .6:1:2 .7:2:1 .9:2:2
tiny_c     zoom_blur         1.06:.01 1.11:.01 1.16:.01 1.21:.01 1.26:.01
tiny_c     snow              .1:.2:1:.6:8:3:.8 .1:.2:1:.5:10:4:.8 .15:.3:1.75:.55:10:4:.7 \
 .25:.3:2.25:.6:12:6:.65 .3:.3:1.25:.65:14:12:.6
tiny_c     frost             1:.3:.3 .9:.4:.3 .8:.45:.3 .75:.5:.3 .7:.55:.3
tiny_c     fog               .4:3:64:0 .7:3:64:0 1:2.5:64:0 1.5:2:64:0 2:1.75:64:0
tiny_c     spatter           .62:.1:.7:.7:.6:0 .65:.1:.8:.7:.6:0 .65:.3:1:.69:.6:0 .65:.1:.7:.68:.6:1 .65:.1:.5:.67:.6:1
tiny_c     saturate          .3:0 .1:0 2:0 5:.1 30:.2
tiny_c     elastic_transform 64:0:0:.08 64:.05:.3:.06 64:.1:.08:.06 64:.1:.03:.03 64:.16:.03:.02
tiny_c     pixelate          .9 .8 .7 .6 .5
ucf101_p   zoom_blur         1.11:.01 1.16:.01 1.21:.02 1.26:.02 1.31:.03
kinetics_c fog               1.5:2:256:0 2:2:256:0 2.5:1.7:256:0 2.5:1.5:256:0 3:1.4:256:0
kinetics_c saturate          .3:0 .1:0 2:0 5:.1 20:.2
imagenet_c_bar blue_noise_sample               .8 1.6 2.4 4 5.6
imagenet_c_bar plasma_noise                    4.75 7 8.5 9.25 10
imagenet_c_bar checkerboard_cutout             2 3 4 5 6
imagenet_c_bar cocentric_sine_waves            3 5 8 9 10
imagenet_c_bar single_frequency_greyscale      1 1.5 2 4.5 5
imagenet_c_bar brownish_noise                  1 2 3 4 5
imagenet_c_bar perlin_noise                    4.6 5.2 5.8 7.6 8.8
imagenet_c_bar sparkles                        1 2 3 5 6
imagenet_c_bar inverse_sparkles                1 2 4 9 10
imagenet_c_bar caustic_refraction              2.35 3.2 4.9 6.6 9.15
cifar_c_bar    blue_noise_sample               .7 1.4 2.1 3.5 4.2
cifar_c_bar    checkerboard_cutout             1 2 3 4 5
cifar_c_bar    inverse_sparkles                1 1.5 2.5 4.5 5
cifar_c_bar    pinch_and_twirl                 5.5 6 6.5 8.5 10
cifar_c_bar    ripple                          5.5 6 6.5 7.5 8
cifar_c_bar    brownish_noise                  2.5 4 5.5 6.5 7
cifar_c_bar    circular_motion_blur            2.8 3.6 4.4 5.2 6
cifar_c_bar    lines                           .5 1 1.5 2 2.5
cifar_c_bar    sparkles                        .7 3.5 5.6 6.3 7
cifar_c_bar    transverse_chromatic_abberation 1 2 5 9 10
vitta      pepper_noise           .1 .2 .3 .4 .5
vitta      salt_noise             .1 .2 .3 .4 .5
laion_c    mosaic                 4 6 8 16 28
laion_c    vertical_lines         224:1 178:2 112:4 84:6 60:8
laion_c    glitched               2 4 5 8 10
laion_c    luminance_checkerboard 0:50 50:100 100:125 125:150 150:255
laion_c    geometric_shapes       150 300 600 800 1000
laion_c    stickers               100 200 400 600 1200
imagenet_3dcc iso_noise           .08 .12 .18 .26 .38
imagenet_3dcc low_light           .6 .5 .4 .3 .2
imagenet_3dcc flash               2.4 1.4 .9 .6 .4
imagenet_3dcc color_quant         5 4 3 2 1
imagenet_3dcc xy_motion_blur      20 30 40 50 60
imagenet_3dcc bit_error           100000 50000 30000 20000 10000
imagenet_3dcc h265_crf            24 26 32 39 41
imagenet_3dcc h265_abr            2 4 8 16 32
"""
ROWS = [row.split() for row in PUBLISHED.strip().splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_the_table_is_the_published_one(row: list[str]) -> None:
    profile, name, *levels = row
    assert TABLES[profile, name] == tuple(tuple(map(float, level.split(":"))) for level in levels)


def test_every_table_is_checked_above_and_belongs_to_a_corruption() -> None:
    assert {(profile, name) for profile, name, *_ in ROWS} == {
        cell for cell in TABLES if cell[0] not in ("video_c", "camera_c", "motion_probe")
    }
    assert {name for _, name in TABLES} == set(REGISTRY)
    assert {profile for profile, _ in TABLES} == set(SIDES)
