"""A small rasteriser: one person, a floor, a wall, a sun and an overcast sky.

Runs on moderngl's standalone EGL context; Mesa's software driver is enough. Light is computed
in linear colour and written as sRGB. ``moderngl`` is imported only when a renderer is opened.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otio_foley.train.stage import shaders
from otio_foley.train.stage.body import Body, vertex_normals
from otio_foley.train.stage.rotation import Array, normalise

if TYPE_CHECKING:
    import moderngl

Picture = NDArray[np.uint8]
Colour = tuple[float, float, float]

_SHADOW_PX = 1024
_SHADOW_HALF_M = 1.6
_FLOOR_HALF_M = 60.0
_TEXTURE_SCALE = 4
_GL_SRGB8 = 0x8C41
_SKY_SPREAD_M = 0.05 * 2.0 * _SHADOW_HALF_M
"""How far the overcast shadow reaches beyond the outline: the shader's 4.5 % of the map."""
_HORIZON: Colour = (0.78, 0.83, 0.88)


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A pinhole camera without roll."""

    eye_m: Array
    target_m: Array
    vertical_view_deg: float
    width_px: int
    height_px: int

    def matrix(self) -> Array:
        """Projection times view (4, 4), OpenGL clip space."""
        return _perspective(self.vertical_view_deg, self.width_px / self.height_px) @ _look_at(
            self.eye_m, self.target_m
        )

    def project(self, points_m: Array) -> Array:
        """Picture positions (..., 2) in pixels, origin top left, of world points (..., 3)."""
        padded = np.concatenate([points_m, np.ones((*points_m.shape[:-1], 1))], axis=-1)
        clip = padded @ self.matrix().T
        x, y = clip[..., 0] / clip[..., 3], clip[..., 1] / clip[..., 3]
        return np.stack(
            [(x + 1.0) / 2.0 * self.width_px, (1.0 - y) / 2.0 * self.height_px], axis=-1
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """sRGB colours of what covers the person, 0 to 1."""

    skin: Colour = (0.80, 0.60, 0.48)
    hair: Colour = (0.16, 0.11, 0.08)
    shirt: Colour = (0.70, 0.20, 0.18)
    trousers: Colour = (0.17, 0.22, 0.36)
    shoe: Colour = (0.09, 0.08, 0.08)


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """What stands round the person."""

    floor_texture: Path
    floor_tile_m: float
    floor_turn_deg: float = 0.0
    floor_shift: tuple[float, float] = (0.0, 0.0)
    """Where on the tile the world's origin lies, in tiles."""
    wall: Colour = (0.75, 0.74, 0.71)
    wall_point_m: tuple[float, float, float]
    wall_normal: tuple[float, float, float]
    skirting_height_m: float = 0.10
    panel_m: float = 0.0
    """Width of the wall's panels; 0 for a plain wall."""
    sun_direction: tuple[float, float, float] = (-0.45, 1.0, 0.35)
    """From the floor towards the light."""
    sun: float = 0.75
    sky: float = 0.55


class Renderer:
    """Holds the context and the meshes; use as a context manager.

    ``body`` None renders an empty set.
    """

    def __init__(
        self, scene: Set, body: Body | None, palette: Palette, width_px: int, height_px: int
    ) -> None:
        """Open a context and upload what does not move."""
        import moderngl

        self._context = moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
        self._scene = scene
        self._body = body
        self._size = (width_px, height_px)
        self._empty: tuple[Camera, Picture] | None = None
        self._last: Camera | None = None
        self._programs = {
            name: self._context.program(vertex_shader=vertex, fragment_shader=fragment)
            for name, (vertex, fragment) in shaders.PROGRAMS.items()
        }
        self._targets()
        self._set_meshes()
        self._floor = self._load_texture(scene.floor_texture)
        cloth = np.zeros((3, 5)) if body is None else body.cloth
        triangles = np.array([[0, 1, 2]]) if body is None else body.triangles
        self._person = self._context.buffer(reserve=len(cloth) * 24, dynamic=True)
        self._cloth = self._context.buffer(cloth.astype("f4").tobytes())
        corners = self._context.buffer(triangles.astype("i4").tobytes())
        for field in fields(palette):
            colour = _linear(np.array(getattr(palette, field.name)))
            _assign(self._programs["person"], field.name, colour)
        self._person_array = self._context.vertex_array(
            self._programs["person"],
            [
                (self._person, "3f 3f", "position", "normal"),
                (self._cloth, "3f 2f", "cloth_a", "cloth_b"),
            ],
            index_buffer=corners,
        )
        self._depth_array = self._context.vertex_array(
            self._programs["depth"],
            [(self._person, "3f 12x", "position")],
            index_buffer=corners,
        )

    def __enter__(self) -> Renderer:
        """Return the renderer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the context back."""
        self._context.release()

    def draw(self, camera: Camera, vertices_m: Array | None = None) -> Picture:
        """Render one instant: (H, W, 3) sRGB; ``vertices_m`` (V, 3) is the posed body.

        The empty set is kept as long as the same ``camera`` comes back, and only the part that
        the person or a shadow can reach is drawn anew.
        """
        if self._empty is None or self._empty[0] is not camera:
            if vertices_m is not None and self._last is not camera:
                # A camera on the move: the empty set would be of no use to the next picture.
                self._last = camera
                return self._draw_part(camera, vertices_m, (0, 0, *self._size))
            self._empty = (camera, self._draw_part(camera, None, (0, 0, *self._size)))
        picture = self._empty[1].copy()
        if vertices_m is not None:
            left, top, right, bottom = self._touched(camera, vertices_m)
            part = self._draw_part(camera, vertices_m, (left, top, right, bottom))
            picture[top:bottom, left:right] = part
        return picture

    def _touched(self, camera: Camera, vertices_m: Array) -> tuple[int, int, int, int]:
        """Picture box (left, top, right, bottom) in pixels of the person and the shadows."""
        corners = [
            [x, 0.0, z]
            for west, north, east, south in self._reaches(vertices_m)
            for x in (west, east)
            for z in (north, south)
        ]
        seen = camera.project(np.concatenate([vertices_m, np.array(corners)]))
        low = np.clip(np.floor(seen.min(axis=0)).astype(int) - 8, 0, self._size)
        high = np.clip(np.ceil(seen.max(axis=0)).astype(int) + 8, 0, self._size)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def _reaches(self, vertices_m: Array | None) -> tuple[Array, Array]:
        """Floor boxes (4,), least x and z then most, in which sun and sky may be missing."""
        if vertices_m is None:
            return np.zeros(4), np.zeros(4)
        sun = np.array(self._scene.sun_direction)
        boxes = []
        for points, margin in (
            (vertices_m - sun * (vertices_m[:, 1:2] / sun[1]), 0.05),
            (vertices_m, _SKY_SPREAD_M),
        ):
            level = points[:, [0, 2]]
            boxes.append(np.concatenate([level.min(axis=0) - margin, level.max(axis=0) + margin]))
        return boxes[0], boxes[1]

    def _draw_part(
        self, camera: Camera, vertices_m: Array | None, box: tuple[int, int, int, int]
    ) -> Picture:
        """Render the pixels (left, top, right, bottom) of one instant."""
        import moderngl

        lights = self._upload(vertices_m)
        left, top, right, bottom = box
        width, height = right - left, bottom - top
        part = (left, self._size[1] - bottom, width, height)
        # A smaller viewport with a cropped projection: what lies outside is never shaded.
        matrix = _crop(part, self._size) @ camera.matrix()
        self._many.viewport = part
        self._many.use()
        self._context.clear(*_HORIZON, 1.0)
        self._context.enable(moderngl.DEPTH_TEST)
        self._context.disable(moderngl.CULL_FACE)
        self._floor.use(0)
        self._sun_depth.use(1)
        self._sky_depth.use(2)
        self._set_uniforms(self._programs["set"], camera, matrix, lights)
        for name, reach in zip(("sun_reach", "sky_reach"), self._reaches(vertices_m), strict=True):
            _assign(self._programs["set"], name, reach)
        self._set_array.render(moderngl.TRIANGLES)
        if vertices_m is not None:
            self._set_uniforms(self._programs["person"], camera, matrix, lights)
            self._context.enable(moderngl.CULL_FACE)
            self._person_array.render(moderngl.TRIANGLES)
            self._context.disable(moderngl.CULL_FACE)
        self._context.copy_framebuffer(self._single, self._many)
        flat = np.frombuffer(
            self._single.read(viewport=part, components=3, alignment=1), dtype=np.uint8
        )
        return flat.reshape(height, width, 3)[::-1].copy()

    def _targets(self) -> None:
        context, size = self._context, self._size
        self._many = context.framebuffer(
            [context.renderbuffer(size, 4, samples=4)],
            context.depth_renderbuffer(size, samples=4),
        )
        self._single = context.framebuffer([context.renderbuffer(size, 4)])
        self._sun_depth = self._shadow_texture()
        self._sky_depth = self._shadow_texture()
        self._sun_target = context.framebuffer(depth_attachment=self._sun_depth)
        self._sky_target = context.framebuffer(depth_attachment=self._sky_depth)

    def _shadow_texture(self) -> moderngl.Texture:
        texture = self._context.depth_texture((_SHADOW_PX, _SHADOW_PX))
        texture.compare_func = ""
        texture.repeat_x = texture.repeat_y = False
        return texture

    def _set_meshes(self) -> None:
        half = _FLOOR_HALF_M
        floor = np.array([[-half, 0, -half], [half, 0, -half], [half, 0, half], [-half, 0, half]])
        normal = normalise(np.array(self._scene.wall_normal))
        side = np.cross(normal, [0.0, 1.0, 0.0])
        point = np.array(self._scene.wall_point_m)
        up = np.array([0.0, 8.0, 0.0])
        wall = np.stack(
            [
                point - half * side,
                point + half * side,
                point + half * side + up,
                point - half * side + up,
            ]
        )
        rows = [
            np.concatenate([corners, np.tile(facing, (4, 1))], axis=1)[[0, 1, 2, 0, 2, 3]]
            for corners, facing in ((floor, np.array([0.0, 1.0, 0.0])), (wall, normal))
        ]
        buffer = self._context.buffer(np.concatenate(rows).astype("f4").tobytes())
        self._set_array = self._context.vertex_array(
            self._programs["set"], [(buffer, "3f 3f", "position", "normal")]
        )

    def _load_texture(self, path: Path) -> moderngl.Texture:
        import moderngl

        picture = enlarge_tile(read_tile(path), _TEXTURE_SCALE)
        height, width, _ = picture.shape
        # Stored as sRGB, so that the sampler blends linear light.
        texture = self._context.texture(
            (width, height), 3, picture.tobytes(), alignment=1, internal_format=_GL_SRGB8
        )
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        # Anisotropic filtering would take Mesa's software driver three times as long; the shader
        # biases the level instead.
        return texture

    def _upload(self, vertices_m: Array | None) -> tuple[Array, Array]:
        """Send the posed body, draw both shadow maps, return their matrices."""
        import moderngl

        centre = np.zeros(3) if vertices_m is None else vertices_m.mean(axis=0)
        centre = centre * [1.0, 0.0, 1.0] + [0.0, 0.8, 0.0]
        sun = _light_matrix(centre, np.array(self._scene.sun_direction))
        sky = _light_matrix(centre, np.array([0.001, 1.0, 0.0]))
        if vertices_m is not None and self._body is not None:
            normals = vertex_normals(vertices_m, self._body.triangles)
            packed = np.concatenate([vertices_m, normals], axis=1)
            self._person.write(packed.astype("f4").tobytes())
        for target, matrix in ((self._sun_target, sun), (self._sky_target, sky)):
            target.use()
            target.clear(depth=1.0)
            self._context.enable(moderngl.DEPTH_TEST)
            if vertices_m is not None:
                _assign(self._programs["depth"], "light", matrix.T)
                self._depth_array.render(moderngl.TRIANGLES)
        return sun, sky

    def _set_uniforms(
        self,
        program: moderngl.Program,
        camera: Camera,
        matrix: Array,
        lights: tuple[Array, Array],
    ) -> None:
        scene = self._scene
        turn = np.radians(scene.floor_turn_deg)
        for name, texture in (("floor_tile", 0), ("sun_depth", 1), ("sky_depth", 2)):
            if name in program:
                program[name].value = texture  # type: ignore[union-attr]
        _assign(program, "camera", matrix.T)
        _assign(program, "sun_matrix", lights[0].T)
        _assign(program, "sky_matrix", lights[1].T)
        _assign(program, "sun_direction", normalise(np.array(scene.sun_direction)))
        _assign(program, "strength", np.array([scene.sun, scene.sky]))
        _assign(program, "wall", _linear(np.array(scene.wall)))
        _assign(program, "eye", camera.eye_m)
        _assign(program, "floor_map", np.array([np.cos(turn), np.sin(turn)]) / scene.floor_tile_m)
        _assign(program, "floor_shift", np.array(scene.floor_shift))
        _assign(program, "panel", np.array([scene.panel_m]))
        _assign(program, "skirting", np.array([scene.skirting_height_m]))


def read_tile(path: Path) -> Picture:
    """Read a texture (H, W, 3) as sRGB."""
    import cv2

    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise FileNotFoundError(path)
    # Some tiles were cut a pixel beyond their sheet.
    return np.asarray(picture[2:-2, 2:-2, ::-1], dtype=np.uint8)


def enlarge_tile(tile: Picture, scale: int) -> Picture:
    """Enlarge a repeating tile by Lanczos so that its edges still meet."""
    import cv2

    margin = 8
    padded = np.pad(tile, ((margin, margin), (margin, margin), (0, 0)), mode="wrap")
    large = cv2.resize(padded, None, fx=scale, fy=scale, interpolation=cv2.INTER_LANCZOS4)
    edge = margin * scale
    return np.ascontiguousarray(large[edge:-edge, edge:-edge], dtype=np.uint8)


def _assign(program: moderngl.Program, name: str, values: Array) -> None:
    # A uniform that the compiler found unused is not there to be set.
    if name in program:
        program[name].write(np.ascontiguousarray(values, dtype="f4").tobytes())  # type: ignore[union-attr]


def _linear(srgb: Array) -> Array:
    """Linear light of sRGB values (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _perspective(vertical_deg: float, aspect: float) -> Array:
    near, far = 0.1, 150.0
    focal = 1.0 / np.tan(np.radians(vertical_deg) / 2.0)
    matrix = np.zeros((4, 4))
    matrix[0, 0] = focal / aspect
    matrix[1, 1] = focal
    matrix[2, 2] = (far + near) / (near - far)
    matrix[2, 3] = 2.0 * far * near / (near - far)
    matrix[3, 2] = -1.0
    return matrix


def _crop(part: tuple[int, int, int, int], size_px: tuple[int, int]) -> Array:
    """Clip-space matrix (4, 4) that spreads a part (left, bottom, width, height) over all."""
    matrix = np.eye(4)
    for axis in range(2):
        scale = size_px[axis] / part[axis + 2]
        matrix[axis, axis] = scale
        matrix[axis, 3] = scale * (1.0 - (2.0 * part[axis] + part[axis + 2]) / size_px[axis])
    return matrix


def _look_at(eye: Array, target: Array) -> Array:
    forward = normalise(np.asarray(target, dtype=np.float64) - eye)
    right = normalise(np.cross(forward, [0.0, 1.0, 0.0]))
    axes = np.stack([right, np.cross(right, forward), -forward])
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = -axes @ eye
    return matrix


def _light_matrix(centre: Array, direction: Array) -> Array:
    """Orthographic view (4, 4) of the person from a light far away."""
    view = _look_at(centre + 4.0 * normalise(direction), centre)
    scale = np.diag([1.0 / _SHADOW_HALF_M, 1.0 / _SHADOW_HALF_M, -1.0 / 4.0, 1.0])
    # Depth -8..0 m ahead of the light becomes -1..1.
    scale[2, 3] = -1.0
    return scale @ view
