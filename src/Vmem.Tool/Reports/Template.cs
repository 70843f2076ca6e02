using System.Net;
using System.Text;

namespace Vmem.Tool.Reports;

/// <summary>
/// A page's skeleton with <c>{{holes}}</c>. Text is escaped as it goes in, markup made here is not; a hole that nothing fills is an error.
/// A template engine would be a dependency for three files.
/// </summary>
internal sealed class Template
{
    private readonly Dictionary<string, string> _values = [];
    private readonly string _skeleton;

    public Template(string resource)
    {
        _skeleton = PageResources.Read(resource);
    }

    public Template Text(string hole, string text) => Markup(hole, Escape(text));

    public Template Markup(string hole, string markup)
    {
        _values.Add(hole, markup);
        return this;
    }

    /// <summary>In one pass, so that braces in what is filled in are left alone.</summary>
    public string Fill()
    {
        var page = new StringBuilder();
        int position = 0;
        while (true)
        {
            int open = _skeleton.IndexOf("{{", position, StringComparison.Ordinal);
            if (open < 0)
            {
                return page.Append(_skeleton, position, _skeleton.Length - position).ToString();
            }

            int close = _skeleton.IndexOf("}}", open, StringComparison.Ordinal);
            page.Append(_skeleton, position, open - position).Append(_values[_skeleton[(open + 2)..close]]);
            position = close + 2;
        }
    }

    public static string Escape(string text) => WebUtility.HtmlEncode(text);
}
