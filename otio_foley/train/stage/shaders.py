"""GLSL of the stage's three passes: depth from a light, the set, the person."""

from __future__ import annotations

_DEPTH_VERTEX = """
#version 330
uniform mat4 light;
in vec3 position;
void main() { gl_Position = light * vec4(position, 1.0); }
"""

_DEPTH_FRAGMENT = """
#version 330
void main() {}
"""

_LIGHT = """
#version 330
uniform mat4 sun_matrix;
uniform mat4 sky_matrix;
uniform sampler2D sun_depth;
uniform sampler2D sky_depth;
uniform vec3 sun_direction;
uniform vec2 strength;
uniform vec3 eye;
// The spreads below are meant for a map of 3.2 m; this is 3.2 m in shares of the map's width.
uniform float map_share;

// Share of light that arrives: percentage-closer filtering on a jitter-free spiral.
float open_share(sampler2D depths, vec3 at, float spread, float bias, int taps) {
    if (any(lessThan(at, vec3(0.0))) || any(greaterThan(at, vec3(1.0)))) return 1.0;
    float lit = 0.0;
    for (int i = 0; i < taps; i++) {
        float radius = spread * map_share * sqrt((float(i) + 0.5) / float(taps));
        float angle = 2.399963 * float(i);
        float nearest = texture(depths, at.xy + radius * vec2(cos(angle), sin(angle))).r;
        lit += at.z - bias <= nearest ? 1.0 : 0.0;
    }
    return lit / float(taps);
}

vec3 seen_from(mat4 light, vec3 point) {
    vec4 clip = light * vec4(point, 1.0);
    return clip.xyz / clip.w * 0.5 + 0.5;
}

vec3 encode(vec3 colour) {
    // sRGB (IEC 61966-2-1).
    return mix(12.92 * colour, 1.055 * pow(max(colour, 0.0), vec3(1.0 / 2.4)) - 0.055,
               step(0.0031308, colour));
}
"""

_SET_VERTEX = """
#version 330
uniform mat4 camera;
in vec3 position;
in vec3 normal;
in vec4 cover;
out vec3 world;
out vec3 facing;
out vec4 surface;
void main() {
    world = position;
    facing = normal;
    surface = cover;
    gl_Position = camera * vec4(position, 1.0);
}
"""

_SET_FRAGMENT = (
    _LIGHT
    + """
// SHADED stands where people's shadows may fall: a software driver runs through the taps of a
// shadow for every pixel of a mesh, whatever is asked before.
uniform sampler2D floor_tile;
uniform vec2 floor_map;
uniform vec2 floor_shift;
uniform float skirting;
uniform float panel;
in vec3 world;
in vec3 facing;
// Linear colour, and what it is: 0 plain, 1 floor, 2 wall.
in vec4 surface;
out vec4 colour;
void main() {
    vec3 base = surface.rgb;
    float lit = max(dot(facing, sun_direction), 0.0);
    float sky = 0.5 + 0.5 * facing.y;
    if (surface.a > 0.5 && surface.a < 1.5) {
        vec2 at = vec2(floor_map.x * world.x - floor_map.y * world.z,
                       floor_map.y * world.x + floor_map.x * world.z) + floor_shift;
        base = texture(floor_tile, at, -0.9).rgb;
    }
#ifdef SHADED
    if (facing.y > 0.5) {
        lit *= open_share(sun_depth, seen_from(sun_matrix, world), 0.006, 0.002, 9);
        sky *= mix(0.25, 1.0,
                   open_share(sky_depth, seen_from(sky_matrix, world), 0.045, 0.001, 13));
    }
#endif
    if (surface.a > 1.5) {
        if (world.y < skirting) base *= 0.35;
        if (panel > 0.0) {
            // Joints between panels, crosswise to the wall's normal and level at 2.6 m.
            vec3 along = abs(facing.x) > abs(facing.z) ? world.zyx : world;
            float joint = abs(fract(along.x / panel) - 0.5) * panel;
            if (joint < 0.03 || abs(world.y - 2.6) < 0.03) base *= 0.55;
        }
        // A corner between wall and floor gets less sky.
        sky *= 0.75 + 0.25 * smoothstep(0.0, 1.2, world.y);
    }
    colour = vec4(encode(base * (strength.x * lit + strength.y * sky)), 0.0);
}
"""
)

_PERSON_VERTEX = """
#version 330
uniform mat4 camera;
in vec3 position;
in vec3 normal;
in vec3 cloth_a;
in vec2 cloth_b;
out vec3 world;
out vec3 facing;
out vec3 upper;
out vec2 lower;
void main() {
    world = position;
    facing = normal;
    upper = cloth_a;
    lower = cloth_b;
    gl_Position = camera * vec4(position, 1.0);
}
"""

_PERSON_FRAGMENT = (
    _LIGHT
    + """
uniform vec3 hair;
uniform vec3 skin;
uniform vec3 shirt;
uniform vec3 trousers;
uniform vec3 shoe;
// Which person this is, in 255ths: the picture's alpha says who is seen where.
uniform float identity;
in vec3 world;
in vec3 facing;
in vec3 upper;
in vec2 lower;
out vec4 colour;
void main() {
    if (lower.y > 0.0) discard;
    vec3 base = lower.x > 0.0 ? shoe : upper.x > 0.0 ? hair : upper.y > 0.0 ? skin
        : upper.z > 0.0 ? shirt : trousers;
    vec3 normal = normalize(facing);
    vec3 view = normalize(eye - world);
    vec3 in_sun = seen_from(sun_matrix, world + 0.012 * normal);
    float lit = max(dot(normal, sun_direction), 0.0)
        * open_share(sun_depth, in_sun, 0.004, 0.002, 6);
    float low = mix(0.75, 1.0, smoothstep(0.0, 0.4, world.y));
    float sky = mix(0.45, 1.0, 0.5 + 0.5 * normal.y) * low;
    vec3 half_way = normalize(sun_direction + view);
    float shine = 0.05 * pow(max(dot(normal, half_way), 0.0), 24.0) * step(0.001, lit);
    float fill = 0.22 * max(dot(normal, view), 0.0);
    colour = vec4(encode(base * (strength.x * lit + strength.y * sky + fill) + shine), identity);
}
"""
)

PROGRAMS: dict[str, tuple[str, str]] = {
    "depth": (_DEPTH_VERTEX, _DEPTH_FRAGMENT),
    "set": (_SET_VERTEX, _SET_FRAGMENT),
    "shaded": (
        _SET_VERTEX,
        _SET_FRAGMENT.replace("#version 330", "#version 330\n#define SHADED", 1),
    ),
    "person": (_PERSON_VERTEX, _PERSON_FRAGMENT),
}
"""Vertex and fragment source by pass."""
