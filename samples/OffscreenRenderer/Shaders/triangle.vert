#version 450
// A triangle's corners and colours come from a buffer.
layout(location = 0) in vec2 corner;
layout(location = 1) in vec3 colour;
layout(location = 0) out vec3 shade;

void main()
{
    gl_Position = vec4(corner, 0.0, 1.0);
    shade = colour;
}
