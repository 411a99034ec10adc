"""What is done on tensors, by the name of the corruption that it belongs to."""

from collections.abc import Callable
from typing import Final

from torch import Tensor

from corruptions.row import Level
from corruptions.torch import tensor_blur, tensor_geometry, tensor_light, tensor_noise, tensor_sensor
from corruptions.torch.tensor_draws import Shots

Kernel = Callable[[Tensor, Level, Shots], Tensor]  # from uint8 frames (n, 3, H, W) to new ones

KERNELS: Final[dict[str, Kernel]] = {
    kernel.__name__: kernel
    for kernel in (
        tensor_noise.gaussian_noise,
        tensor_noise.shot_noise,
        tensor_noise.impulse_noise,
        tensor_noise.speckle_noise,
        tensor_noise.pepper_noise,
        tensor_noise.salt_noise,
        tensor_blur.gaussian_blur,
        tensor_blur.defocus_blur,
        tensor_blur.glass_blur,
        tensor_blur.motion_blur,
        tensor_blur.xy_motion_blur,
        tensor_blur.zoom_blur,
        tensor_geometry.rotate,
        tensor_geometry.static_rotate,
        tensor_geometry.translate,
        tensor_geometry.rolling_shutter,
        tensor_geometry.elastic_transform,
        tensor_geometry.pixelate,
        tensor_light.brightness,
        tensor_light.contrast,
        tensor_light.saturate,
        tensor_light.color_quant,
        tensor_light.exposure_flicker,
        tensor_light.auto_exposure,
        tensor_light.white_balance,
        tensor_light.flash,
        tensor_sensor.iso_noise,
        tensor_sensor.low_light,
        tensor_sensor.dead_pixels,
        tensor_sensor.fixed_pattern_noise,
        tensor_sensor.night,
    )
}
