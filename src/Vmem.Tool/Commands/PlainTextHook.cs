using Spectre.Console.Rendering;
using Vmem.Tool.Files;

namespace Vmem.Tool.Commands;

/// <summary>Whatever is written to a terminal is plain text: what moves its cursor comes from Spectre.Console alone.</summary>
internal sealed class PlainTextHook : IRenderHook
{
    public IEnumerable<IRenderable> Process(RenderOptions options, IEnumerable<IRenderable> renderables) =>
        renderables.Select(static renderable => new Plain(renderable));

    private sealed class Plain(IRenderable inner) : IRenderable
    {
        public Measurement Measure(RenderOptions options, int maxWidth) => inner.Measure(options, maxWidth);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => inner.Render(options, maxWidth).Select(static segment =>
            segment.IsControlCode || segment.IsLineBreak ? segment : new Segment(PlainText.Of(segment.Text), segment.Style));
    }
}
