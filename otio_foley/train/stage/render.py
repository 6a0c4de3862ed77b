"""A small rasteriser: people, a floor, a wall, boxes, a sun and an overcast sky.

Runs on moderngl's standalone EGL context; Mesa's software driver is enough. Light is computed
in linear colour and written as sRGB. ``moderngl`` is imported only when a renderer is opened.
Pictures are drawn half as large again and averaged down, which smooths edges as multisampling
would, at its cost, and leaves who is seen where exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from otio_foley.train.stage import shaders
from otio_foley.train.stage.body import Body, vertex_normals
from otio_foley.train.stage.pinhole import CLIP_M, Camera, look_at
from otio_foley.train.stage.rotation import Array, normalise

if TYPE_CHECKING:
    import moderngl

Picture = NDArray[np.uint8]
Identities = NDArray[np.uint8]
"""(H, W) who is seen in a pixel: 1 for the first person, 0 for nobody."""
Colour = tuple[float, float, float]

_SHADOW_PX = 640
_SHADOW_HALF_M = 1.6
_FLOOR_HALF_M = 60.0
_GL_SRGB8 = 0x8C41
TILE_SCALE = 4
"""How much a photographed tile is enlarged."""
_SKY_SPREAD_M = 0.05 * 2.0 * _SHADOW_HALF_M
"""How far the overcast shadow reaches beyond the outline: the shader's 4.5 % of the map."""
_HORIZON: Colour = (0.78, 0.83, 0.88)
_OVERSAMPLING = 1.5
_PLAIN, _FLOOR, _WALL = 0.0, 1.0, 2.0
#: Corners (4, 3), normal (3,), sRGB colour, which of the three.
_Quad: TypeAlias = tuple[Array, Array, Colour, float]
_MOST_FLOOR_ROWS = 5 * 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """sRGB colours of what covers the person, 0 to 1."""

    skin: Colour = (0.80, 0.60, 0.48)
    hair: Colour = (0.16, 0.11, 0.08)
    shirt: Colour = (0.70, 0.20, 0.18)
    trousers: Colour = (0.17, 0.22, 0.36)
    shoe: Colour = (0.09, 0.08, 0.08)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Furniture, a pillar, a step: an upright box between two corners."""

    low_m: tuple[float, float, float]
    high_m: tuple[float, float, float]
    colour: Colour
    floored: bool = False
    """Whether the floor's texture covers its top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """What stands round the people."""

    floor: Picture
    """One tile (H, W, 3), sRGB, that repeats."""
    floor_tile_m: float
    floor_turn_deg: float = 0.0
    floor_shift: tuple[float, float] = (0.0, 0.0)
    """Where on the tile the world's origin lies, in tiles."""
    wall: Colour | None = (0.75, 0.74, 0.71)
    """None for no wall."""
    wall_point_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    wall_normal: tuple[float, float, float] = (-1.0, 0.0, 0.0)
    skirting_height_m: float = 0.10
    panel_m: float = 0.0
    """Width of the wall's panels; 0 for a plain wall."""
    boxes: tuple[Box, ...] = ()
    sun_direction: tuple[float, float, float] = (-0.45, 1.0, 0.35)
    """From the floor towards the light."""
    sun: float = 0.75
    sky: float = 0.55


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One instant as the camera sees it."""

    picture: Picture
    identities: Identities
    """At the size that the picture was drawn at."""
    depth_m: NDArray[np.float32]
    """(H, W) like `identities`: how far ahead of the camera what is seen there lies."""


class Renderer:
    """Holds the context and the meshes; use as a context manager.

    `people` are the bodies that `draw` is given poses of; none renders an empty set.
    """

    def __init__(
        self,
        scene: Set,
        people: Sequence[tuple[Body, Palette]],
        width_px: int,
        height_px: int,
    ) -> None:
        """Open a context and upload what does not move."""
        import moderngl

        self._context = moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
        self._scene = scene
        self._shown_px = (width_px, height_px)
        self._size = (round(width_px * _OVERSAMPLING), round(height_px * _OVERSAMPLING))
        self._empty: tuple[Camera, Picture] | None = None
        self._last: Camera | None = None
        self._programs = {
            name: self._context.program(vertex_shader=vertex, fragment_shader=fragment)
            for name, (vertex, fragment) in shaders.PROGRAMS.items()
        }
        self._targets()
        self._set_meshes()
        self._floor = self._load_texture(scene.floor)
        self._people = [
            _Puppet(self._context, self._programs, number, body, palette)
            for number, (body, palette) in enumerate(people, 1)
        ]

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

    def relay(self, scene: Set) -> None:
        """Another floor and other light in the same set: its walls and boxes stay as they are."""
        self._scene = scene
        self._floor.release()
        self._floor = self._load_texture(scene.floor)
        self._empty = None

    def draw(self, camera: Camera, posed_m: Sequence[Array] = ()) -> Picture:
        """Render one instant: (H, W, 3) sRGB; `posed_m` are the posed bodies, (V, 3) each.

        The empty set is kept as long as the same ``camera`` comes back, and only the part that
        the people or a shadow can reach is drawn anew.
        """
        return self._averaged(self._drawn(camera, posed_m)[:, :, :3])

    def view(self, camera: Camera, posed_m: Sequence[Array]) -> View:
        """One instant with what tells the truth of it."""
        drawn = self._drawn(camera, posed_m)
        near, far = CLIP_M
        raw = np.frombuffer(
            self._target.read(components=1, attachment=-1, dtype="f4"), dtype=np.float32
        )
        ndc = raw.reshape(self._size[1], self._size[0])[::-1] * 2.0 - 1.0
        return View(
            picture=self._averaged(drawn[:, :, :3]),
            identities=np.ascontiguousarray(drawn[:, :, 3]),
            depth_m=2.0 * near * far / (far + near - ndc * (far - near)),
        )

    def _averaged(self, drawn: Picture) -> Picture:
        import cv2

        small = cv2.resize(
            np.ascontiguousarray(drawn), self._shown_px, interpolation=cv2.INTER_AREA
        )
        return np.asarray(small, dtype=np.uint8)

    def _drawn(self, camera: Camera, posed_m: Sequence[Array]) -> Picture:
        """(H, W, 4) at the size of drawing; the fourth channel says who."""
        if self._empty is None or self._empty[0] is not camera:
            if len(posed_m) and self._last is not camera:
                # A camera on the move: the empty set would be of no use to the next picture.
                self._last = camera
                return self._draw_part(camera, posed_m, (0, 0, *self._size))
            self._empty = (camera, self._draw_part(camera, (), (0, 0, *self._size)))
        picture = self._empty[1].copy()
        if len(posed_m):
            left, top, right, bottom = self._touched(camera, posed_m)
            if left < right and top < bottom:
                part = self._draw_part(camera, posed_m, (left, top, right, bottom))
                picture[top:bottom, left:right] = part
        return picture

    def _touched(self, camera: Camera, posed_m: Sequence[Array]) -> tuple[int, int, int, int]:
        """Box (left, top, right, bottom) in drawn pixels of the people and their shadows."""
        vertices = np.concatenate(posed_m)
        corners = [
            [x, 0.0, z]
            for west, north, east, south in self._reaches(posed_m)
            for x in (west, east)
            for z in (north, south)
        ]
        points = np.concatenate([vertices, np.array(corners)])
        if camera.depth_m(points).min() < 2.0 * CLIP_M[0]:
            return (0, 0, *self._size)  # someone is beside the camera: no box bounds them
        seen = camera.project(points) * (np.array(self._size) / self._shown_px)
        low = np.clip(np.floor(seen.min(axis=0)).astype(int) - 8, 0, self._size)
        high = np.clip(np.ceil(seen.max(axis=0)).astype(int) + 8, 0, self._size)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def _reaches(self, posed_m: Sequence[Array]) -> tuple[Array, Array]:
        """Floor boxes (4,), least x and z then most, in which sun and sky may be missing."""
        if not len(posed_m):
            return np.zeros(4), np.zeros(4)
        vertices = np.concatenate(posed_m)
        sun = np.array(self._scene.sun_direction)
        boxes = []
        for points, margin in (
            (vertices - sun * (vertices[:, 1:2] / sun[1]), 0.05),
            (vertices, _SKY_SPREAD_M),
        ):
            level = points[:, [0, 2]]
            boxes.append(np.concatenate([level.min(axis=0) - margin, level.max(axis=0) + margin]))
        return boxes[0], boxes[1]

    def _draw_part(
        self, camera: Camera, posed_m: Sequence[Array], box: tuple[int, int, int, int]
    ) -> Picture:
        """Render the drawn pixels (left, top, right, bottom) of one instant."""
        import moderngl

        lights = self._upload(posed_m)
        left, top, right, bottom = box
        width, height = right - left, bottom - top
        part = (left, self._size[1] - bottom, width, height)
        # A smaller viewport with a cropped projection: what lies outside is never shaded.
        matrix = _crop(part, self._size) @ camera.matrix
        self._target.viewport = part
        self._target.use()
        self._context.clear(*_HORIZON, 0.0)
        self._context.enable(moderngl.DEPTH_TEST)
        self._context.disable(moderngl.CULL_FACE)
        self._floor.use(0)
        self._sun_depth.use(1)
        self._sky_depth.use(2)
        for name in ("set", "shaded"):
            self._set_uniforms(self._programs[name], camera, matrix, lights)
        self._draw_set(posed_m)
        if len(posed_m):
            self._set_uniforms(self._programs["person"], camera, matrix, lights)
            self._context.enable(moderngl.CULL_FACE)
            for puppet, _ in zip(self._people, posed_m, strict=True):
                puppet.show()
            self._context.disable(moderngl.CULL_FACE)
        flat = np.frombuffer(
            self._target.read(viewport=part, components=4, alignment=1), dtype=np.uint8
        )
        return flat.reshape(height, width, 4)[::-1].copy()

    def _targets(self) -> None:
        context, size = self._context, self._size
        self._target = context.framebuffer(
            [context.renderbuffer(size, 4)], context.depth_renderbuffer(size)
        )
        self._sun_depth = self._shadow_texture()
        self._sky_depth = self._shadow_texture()
        self._sun_target = context.framebuffer(depth_attachment=self._sun_depth)
        self._sky_target = context.framebuffer(depth_attachment=self._sky_depth)

    def _shadow_texture(self) -> moderngl.Texture:
        texture = self._context.depth_texture((_SHADOW_PX, _SHADOW_PX))
        texture.compare_func = ""
        texture.repeat_x = texture.repeat_y = False
        return texture

    def _draw_set(self, posed_m: Sequence[Array]) -> None:
        """Wall, boxes and floor, shaded only where somebody's shadow may fall."""
        import moderngl

        reach = None
        if len(posed_m):
            sun, sky = self._reaches(posed_m)
            reach = np.concatenate([np.minimum(sun[:2], sky[:2]), np.maximum(sun[2:], sky[2:])])
        plain, shaded = floor_meshes(reach)
        self._floors.write(np.concatenate([plain, shaded]).astype("f4").tobytes())
        for number, array in enumerate(self._floor_arrays):
            count = len(shaded) if number else len(plain)
            if count:
                array.render(moderngl.TRIANGLES, vertices=count, first=number * len(plain))
        for array in self._still_arrays[0 if reach is None else 1]:
            array.render(moderngl.TRIANGLES)

    def _set_meshes(self) -> None:
        """Two ways to draw what never moves: without anybody about, and with."""
        layout = ("3f 3f 4f", "position", "normal", "cover")
        programs = [self._programs[name] for name in ("set", "shaded")]
        self._floors = self._context.buffer(reserve=_MOST_FLOOR_ROWS * 40, dynamic=True)
        self._floor_arrays = [
            self._context.vertex_array(program, [(self._floors, *layout)]) for program in programs
        ]
        self._still_arrays: tuple[list[moderngl.VertexArray], list[moderngl.VertexArray]] = ([], [])
        for mesh, shaded in ((wall_mesh(self._scene), 0), (box_mesh(self._scene), 1)):
            if len(mesh):
                buffer = self._context.buffer(mesh.astype("f4").tobytes())
                for about, program in enumerate((programs[0], programs[shaded])):
                    array = self._context.vertex_array(program, [(buffer, *layout)])
                    self._still_arrays[about].append(array)

    def _load_texture(self, picture: Picture) -> moderngl.Texture:
        import moderngl

        height, width, _ = picture.shape
        # Stored as sRGB, so that the sampler blends linear light.
        texture = self._context.texture(
            (width, height),
            3,
            np.ascontiguousarray(picture).tobytes(),
            alignment=1,
            internal_format=_GL_SRGB8,
        )
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        # Anisotropic filtering would take Mesa's software driver three times as long; the shader
        # biases the level instead.
        return texture

    def _upload(self, posed_m: Sequence[Array]) -> tuple[Array, Array]:
        """Send the posed bodies, draw both shadow maps, return their matrices."""
        import moderngl

        centre, half = np.array([0.0, 0.8, 0.0]), _SHADOW_HALF_M
        if len(posed_m):
            low = np.min([vertices.min(axis=0) for vertices in posed_m], axis=0)
            high = np.max([vertices.max(axis=0) for vertices in posed_m], axis=0)
            centre = (low + high) / 2.0
            # Of one person, arms and legs never reach further than the least half width.
            half = max(half, float(np.abs(high - low)[[0, 2]].max()) / 2.0 + 0.8)
            for puppet, vertices in zip(self._people, posed_m, strict=True):
                puppet.pose(vertices)
        self._map_share = _SHADOW_HALF_M / half
        sun = _light_matrix(centre, np.array(self._scene.sun_direction), half)
        sky = _light_matrix(centre, np.array([0.001, 1.0, 0.0]), half)
        for target, matrix in ((self._sun_target, sun), (self._sky_target, sky)):
            target.use()
            target.clear(depth=1.0)
            self._context.enable(moderngl.DEPTH_TEST)
            _assign(self._programs["depth"], "light", matrix.T)
            for puppet, _ in zip(self._people, posed_m, strict=False):
                puppet.cast()
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
        _assign(program, "map_share", np.array([self._map_share]))
        _assign(program, "sun_direction", normalise(np.array(scene.sun_direction)))
        _assign(program, "strength", np.array([scene.sun, scene.sky]))
        _assign(program, "eye", camera.eye_m)
        _assign(program, "floor_map", np.array([np.cos(turn), np.sin(turn)]) / scene.floor_tile_m)
        _assign(program, "floor_shift", np.array(scene.floor_shift))
        _assign(program, "panel", np.array([scene.panel_m]))
        _assign(program, "skirting", np.array([scene.skirting_height_m]))


class _Puppet:
    """One person's mesh on the card."""

    def __init__(
        self,
        context: moderngl.Context,
        programs: dict[str, moderngl.Program],
        number: int,
        body: Body,
        palette: Palette,
    ) -> None:
        self._body = body
        self._palette = palette
        self._number = number
        self._program = programs["person"]
        self._mesh = context.buffer(reserve=len(body.cloth) * 24, dynamic=True)
        cloth = context.buffer(body.cloth.astype("f4").tobytes())
        corners = context.buffer(body.triangles.astype("i4").tobytes())
        self._array = context.vertex_array(
            self._program,
            [
                (self._mesh, "3f 3f", "position", "normal"),
                (cloth, "3f 2f", "cloth_a", "cloth_b"),
            ],
            index_buffer=corners,
        )
        self._shade = context.vertex_array(
            programs["depth"], [(self._mesh, "3f 12x", "position")], index_buffer=corners
        )

    def pose(self, vertices_m: Array) -> None:
        normals = vertex_normals(vertices_m, self._body.triangles)
        self._mesh.write(np.concatenate([vertices_m, normals], axis=1).astype("f4").tobytes())

    def cast(self) -> None:
        """Into a shadow map."""
        self._shade.render()

    def show(self) -> None:
        for field in fields(self._palette):
            colour = _linear(np.array(getattr(self._palette, field.name)))
            _assign(self._program, field.name, colour)
        _assign(self._program, "identity", np.array([self._number / 255.0]))
        self._array.render()


_UP = np.array([0.0, 1.0, 0.0])


def floor_meshes(reach: Array | None) -> tuple[Array, Array]:
    """Triangles (N, 10) of the floor beyond and within the box (west, north, east, south) that
    shadows reach: place, normal, linear colour, what it is."""
    half = _FLOOR_HALF_M
    if reach is None:
        return _triangles([_level(-half, -half, half, half)]), np.zeros((0, 10))
    west, north, east, south = np.clip(reach, -half, half)
    beyond = [
        _level(-half, -half, half, north),
        _level(-half, south, half, half),
        _level(-half, north, west, south),
        _level(east, north, half, south),
    ]
    return _triangles(beyond), _triangles([_level(west, north, east, south)])


def _level(west: float, north: float, east: float, south: float) -> _Quad:
    corners = np.array([[west, 0, north], [east, 0, north], [east, 0, south], [west, 0, south]])
    return corners, _UP, (0.0, 0.0, 0.0), _FLOOR


def wall_mesh(scene: Set) -> Array:
    """Triangles (N, 10) of the wall, if there is one."""
    if scene.wall is None:
        return np.zeros((0, 10))
    normal = normalise(np.array(scene.wall_normal))
    side = _FLOOR_HALF_M * np.cross(normal, _UP)
    point = np.array(scene.wall_point_m)
    high = 8.0 * _UP
    corners = np.stack([point - side, point + side, point + side + high, point - side + high])
    return _triangles([(corners, normal, scene.wall, _WALL)])


def box_mesh(scene: Set) -> Array:
    """Triangles (N, 10) of all boxes."""
    return _triangles([quad for box in scene.boxes for quad in _box_quads(box)])


def _triangles(quads: Sequence[_Quad]) -> Array:
    rows = [np.zeros((0, 10))]
    for corners, normal, colour, kind in quads:
        cover = np.array([*_linear(np.array(colour)), kind])
        row = np.concatenate([corners, np.tile(np.concatenate([normal, cover]), (4, 1))], axis=1)
        rows.append(row[[0, 1, 2, 0, 2, 3]])
    return np.concatenate(rows)


def _box_quads(box: Box) -> list[_Quad]:
    low, high = np.array(box.low_m), np.array(box.high_m)
    quads: list[_Quad] = []
    for axis in range(3):
        for sign, level in ((-1.0, low), (1.0, high)):
            first, second = (axis + 1) % 3, (axis + 2) % 3
            corners = np.tile(level, (4, 1))
            corners[:, first] = [low[first], high[first], high[first], low[first]]
            corners[:, second] = [low[second], low[second], high[second], high[second]]
            normal = np.zeros(3)
            normal[axis] = sign
            top = axis == 1 and sign > 0 and box.floored
            quads.append((corners, normal, box.colour, _FLOOR if top else _PLAIN))
    return quads


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


def _crop(part: tuple[int, int, int, int], size_px: tuple[int, int]) -> Array:
    """Clip-space matrix (4, 4) that spreads a part (left, bottom, width, height) over all."""
    matrix = np.eye(4)
    for axis in range(2):
        scale = size_px[axis] / part[axis + 2]
        matrix[axis, axis] = scale
        matrix[axis, 3] = scale * (1.0 - (2.0 * part[axis] + part[axis + 2]) / size_px[axis])
    return matrix


def _light_matrix(centre: Array, direction: Array, half_m: float) -> Array:
    """Orthographic view (4, 4) of the people from a light far away."""
    view = look_at(centre + 4.0 * normalise(direction), centre)
    scale = np.diag([1.0 / half_m, 1.0 / half_m, -1.0 / 4.0, 1.0])
    # Depth -8..0 m ahead of the light becomes -1..1.
    scale[2, 3] = -1.0
    return scale @ view
