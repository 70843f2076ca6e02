#!/usr/bin/env dotnet
#:property PublishAot=false

// Makes the drawings of docs/ from text: docs/images/NAME.drawing becomes docs/images/NAME.svg.
//
//     dotnet run eng/drawings.cs              writes the SVGs
//     dotnet run eng/drawings.cs -- --check   exit code 1 if one is not what its text makes
//
// A drawing is read line by line. The first word says what the line draws; numbers follow; the rest is text. # begins a comment.
//
//     size W H                              the drawing, in pixels
//     title TEXT, about TEXT                for readers who cannot see it
//     shift X Y                             moves what comes next, from the corner
//     text KIND X Y TEXT                    KIND is a style below; _middle or _end behind it aligns the text at X
//     box KIND X Y W H LINE|LINE|…          a box with its lines of text in the middle
//     cells KIND X Y W H TEXT|TEXT|…        boxes side by side, a text each; KIND* before a text gives that one another style
//     line KIND X Y X Y …                   a line through the points; KIND ends with > or <> for arrowheads
//     curve KIND X Y X Y X Y X Y            a Bézier curve
//
// Colours follow the reader's scheme: each drawing has a background of its own, light or dark, and stands on either page.

using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string folder = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../docs/images"));
bool check = args is ["--check"];
if (args.Length > 0 && !check)
{
    Console.Error.WriteLine("Usage: dotnet run eng/drawings.cs [-- --check]");
    return 2;
}

bool same = true;
foreach (string source in Directory.GetFiles(folder, "*.drawing").Order(StringComparer.Ordinal))
{
    string target = Path.ChangeExtension(source, ".svg");
    string svg = new Drawing(source).ToSvg();
    if (check)
    {
        bool fresh = File.Exists(target) && File.ReadAllText(target).ReplaceLineEndings("\n") == svg;
        Console.WriteLine($"{Path.GetFileName(target)}: {(fresh ? "as its text makes it" : "not what its text makes: run 'dotnet run eng/drawings.cs'")}");
        same &= fresh;
    }
    else
    {
        File.WriteAllText(target, svg);
        Console.WriteLine(target);
    }
}

return same ? 0 : 1;

static string ThisFile([CallerFilePath] string path = "") => path;

internal sealed class Drawing
{
    private const int LineHeight = 17;

    private const string Style =
        """
            .card { fill: #ffffff; stroke: #d0d7de }
            text { font: 14px system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: #1f2328 }
            .heading { font-weight: 600; font-size: 15px }
            .note { fill: #59636e; font-size: 13px }
            .code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 13px }
            .plain, .used, .free, .tag, .hit, .gone { stroke-width: 1.5 }
            .plain { fill: #f6f8fa; stroke: #8c959f }
            .used { fill: #cfe3fb; stroke: #0a61c9 }
            .free { fill: #d9f2de; stroke: #1a7f37 }
            .tag { fill: #fff3d1; stroke: #9a6700 }
            .hit { fill: #fbdcea; stroke: #bf3989 }
            .gone { fill: none; stroke: #8c959f; stroke-dasharray: 4 3 }
            .way, .link, .good, .best { fill: none; stroke-width: 1.75 }
            .way { stroke: #59636e }
            .link { stroke: #8c959f; stroke-dasharray: 4 3 }
            .good { stroke: #0a61c9; stroke-width: 2.25 }
            .best { stroke: #bf3989; stroke-width: 2.25 }
            .head { fill: #59636e }
            .good-head { fill: #0a61c9 }
            .best-head { fill: #bf3989 }
            @media (prefers-color-scheme: dark) {
              .card { fill: #0d1117; stroke: #3d444d }
              text { fill: #f0f6fc }
              .note { fill: #a8b1bb }
              .plain { fill: #1c2128; stroke: #768390 }
              .used { fill: #12345c; stroke: #58a6ff }
              .free { fill: #123a20; stroke: #3fb950 }
              .tag { fill: #3d2e08; stroke: #d29922 }
              .hit { fill: #4d1f39; stroke: #f778ba }
              .gone { stroke: #768390 }
              .way { stroke: #a8b1bb }
              .link { stroke: #768390 }
              .good { stroke: #58a6ff }
              .best { stroke: #f778ba }
              .head { fill: #a8b1bb }
              .good-head { fill: #58a6ff }
              .best-head { fill: #f778ba }
            }
        """;

    private readonly StringBuilder _body = new();
    private readonly string _file;
    private double _width;
    private double _height;
    private double _left;
    private double _top;
    private string _title = "";
    private string _about = "";

    public Drawing(string file)
    {
        _file = Path.GetFileName(file);
        int number = 0;
        foreach (string line in File.ReadLines(file))
        {
            number++;
            string text = line.Trim();
            if (text.Length > 0 && text[0] != '#')
            {
                try
                {
                    Add(new Words(text));
                }
                catch (Exception fault) when (fault is FormatException or InvalidOperationException)
                {
                    throw new FormatException($"{_file}, line {number}: {fault.Message}", fault);
                }
            }
        }
    }

    public string ToSvg() =>
        $"""
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_width} {_height}" width="{_width}" height="{_height}" role="img">
          <!-- Made by eng/drawings.cs from {_file}. -->
          <title>{Escape(_title)}</title>
          <desc>{Escape(_about)}</desc>
          <style>
        {Style}
          </style>
          <defs>
        {Arrowhead("head")}{Arrowhead("good-head")}{Arrowhead("best-head")}  </defs>
          <rect class="card" x="0.5" y="0.5" width="{_width - 1}" height="{_height - 1}" rx="8"/>
        {_body}</svg>

        """.ReplaceLineEndings("\n");

    private static string Arrowhead(string name) =>
        $"""    <marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" """
        + $"""orient="auto-start-reverse"><path class="{name}" d="M0 0L8 4L0 8z"/></marker>""" + "\n";

    private void Add(Words words)
    {
        switch (words.Next())
        {
            case "size":
                (_width, _height) = (words.Number(), words.Number());
                break;
            case "title":
                _title = words.Rest();
                break;
            case "about":
                _about = words.Rest();
                break;
            case "shift":
                (_left, _top) = (words.Number(), words.Number());
                break;
            case "text":
                Text(words.Next(), X(words), Y(words), words.Rest());
                break;
            case "box":
                Box(words.Next(), X(words), Y(words), words.Number(), words.Number(), words.Rest());
                break;
            case "cells":
                Cells(words.Next(), X(words), Y(words), words.Number(), words.Number(), words.Rest().Split('|'));
                break;
            case "line":
                Route(words.Next(), words, ' ');
                break;
            case "curve":
                Route(words.Next(), words, 'C');
                break;
            case { } other:
                throw new FormatException($"'{other}' draws nothing.");
        }
    }

    private double X(Words words) => _left + words.Number();

    private double Y(Words words) => _top + words.Number();

    private void Text(string kind, double x, double y, string text)
    {
        string[] parts = kind.Split('_');
        string anchor = parts.Length > 1 ? $" text-anchor=\"{parts[1]}\"" : "";
        _ = _body.Append($"  <text class=\"{parts[0]}\" x=\"{x}\" y=\"{y}\"{anchor}>{Escape(text)}</text>\n");
    }

    private void Box(string kind, double x, double y, double width, double height, string text)
    {
        _ = _body.Append($"  <rect class=\"{kind}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"3\"/>\n");
        string[] lines = text.Length == 0 ? [] : text.Split('|');
        for (int i = 0; i < lines.Length; i++)
        {
            // A digit's middle lies a third of the font's size above its base line.
            Text("label_middle", x + (width / 2), y + (height / 2) + 5 + ((i - ((lines.Length - 1) / 2.0)) * LineHeight), lines[i]);
        }
    }

    private void Cells(string kind, double x, double y, double width, double height, string[] texts)
    {
        foreach (string text in texts)
        {
            int star = text.IndexOf('*', StringComparison.Ordinal);
            Box(star < 0 ? kind : text[..star], x, y, width, height, text[(star + 1)..]);
            x += width;
        }
    }

    private void Route(string kind, Words words, char curve)
    {
        string name = kind.TrimEnd('>', '<');
        string head = name is "good" or "best" ? $"{name}-head" : "head";
        string heads = kind.EndsWith("<>", StringComparison.Ordinal) ? $" marker-start=\"url(#{head})\" marker-end=\"url(#{head})\""
            : kind.EndsWith('>') ? $" marker-end=\"url(#{head})\"" : "";
        var path = new StringBuilder($"M{X(words)} {Y(words)}{(curve == 'C' ? "C" : "L")}");
        while (words.HasMore)
        {
            _ = path.Append($"{X(words)} {Y(words)} ");
        }

        _ = _body.Append($"  <path class=\"{name}\" d=\"{path.ToString().TrimEnd()}\"{heads}/>\n");
    }

    private static string Escape(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);

    private sealed class Words(string line)
    {
        private string _left = line;

        public bool HasMore => _left.Length > 0;

        public string Next()
        {
            int end = _left.IndexOf(' ', StringComparison.Ordinal);
            string word = end < 0 ? _left : _left[..end];
            _left = end < 0 ? "" : _left[end..].TrimStart();
            return word.Length > 0 ? word : throw new FormatException("Something is missing at the end.");
        }

        public double Number() => double.Parse(Next(), NumberStyles.Float, CultureInfo.InvariantCulture);

        public string Rest()
        {
            string rest = _left;
            _left = "";
            return rest;
        }
    }
}
