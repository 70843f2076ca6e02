#!/usr/bin/env dotnet
#:property PublishAot=false

// Measures the prose of README.md and docs/: how long its sentences are. Plain words are short sentences; this counts them. Then it looks
// for lines of all *.cs and *.md that are longer than .editorconfig says: "dotnet format" knows max_line_length and does not enforce it.
//
//     dotnet run eng/prose.cs                          README.md and docs/**/*.md; lines of everything
//     dotnet run eng/prose.cs -- CONTRIBUTING.md …     the given files; no lines
//
// What counts as prose: paragraphs and list items. Code blocks, tables, headings, HTML, images and the targets of links don't.
// A sentence ends at . ! ? … before a capital, a digit, an opening bracket or quote, or code. The end of a paragraph or a list item ends
// one, too.
// Inline code is one word, whatever is in it. A fragment of fewer than 4 words (a label in a list) is no sentence: counting it would
// only lower the median.
//
// A paragraph of Markdown is a line. Tables, code and the targets of links may be as long as they must. In C# the text of string literals
// does not count: a message that is cut in pieces is harder to find, and no easier to read.
//
// Exit code 0: within the bars. 1: a file or the whole misses one. 2: a file is missing.

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

const int MaxMedian = 15;
const int LongWords = 30;
const double MaxLongPercent = 3;
const int MinWords = 4;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
Console.OutputEncoding = Encoding.UTF8;

string[] files = args.Length > 0 ? args : DefaultFiles();
if (Array.Find(files, file => !File.Exists(file)) is { } missing)
{
    Console.Error.WriteLine($"There is no file '{missing}'. Run this from the root of the repository, or name files that exist.");
    return 2;
}

List<Sentence> all = [];
bool passed = true;
int width = Math.Max(files.Max(file => file.Length), "together".Length);
Console.WriteLine($"{"file".PadRight(width)}  sentences  median  over {LongWords}   share");
foreach (string file in files)
{
    List<Sentence> sentences = [.. Markdown.Sentences(file).Where(sentence => sentence.Words >= MinWords)];
    passed &= Report(file, sentences);
    all.AddRange(sentences);
}

passed &= Report("together", all);
foreach (Sentence sentence in all.Where(sentence => sentence.Words > LongWords).OrderByDescending(sentence => sentence.Words))
{
    string text = sentence.Text.Length <= 90 ? sentence.Text : sentence.Text[..89] + "…";
    Console.WriteLine($"{sentence.File}:{sentence.Line}: {sentence.Words} words: {text}");
}

Console.WriteLine(
    $"Bars, for each file and together: a median of at most {MaxMedian} words, at most {MaxLongPercent} % over {LongWords} words: "
    + (passed ? "passed." : "missed (! marks where)."));
if (args.Length == 0)
{
    string[] tooLong = [.. LineLength.Overlong()];
    Array.ForEach(tooLong, Console.WriteLine);
    Console.WriteLine($"Lines that are longer than .editorconfig says: {tooLong.Length}");
    passed &= tooLong.Length == 0;
}

return passed ? 0 : 1;

bool Report(string name, List<Sentence> sentences)
{
    int[] words = [.. sentences.Select(sentence => sentence.Words).Order()];
    double median = words.Length == 0 ? 0 : (words[(words.Length - 1) / 2] + words[words.Length / 2]) / 2.0;
    int tooLong = words.Count(count => count > LongWords);
    double share = words.Length == 0 ? 0 : 100.0 * tooLong / words.Length;
    bool within = median <= MaxMedian && share <= MaxLongPercent;
    Console.WriteLine($"{name.PadRight(width)}  {words.Length,9}  {median,6:0.#}  {tooLong,7}  {share,5:0.0} %{(within ? "" : " !")}");
    return within;
}

static string[] DefaultFiles()
{
    IEnumerable<string> documents = Directory.Exists("docs")
        ? Directory.EnumerateFiles("docs", "*.md", SearchOption.AllDirectories).Select(path => path.Replace('\\', '/'))
        : [];
    return ["README.md", .. documents.Order(StringComparer.Ordinal)];
}

internal sealed record Sentence(string File, int Line, int Words, string Text);

/// <summary>Just enough Markdown to tell prose from the rest.</summary>
internal static partial class Markdown
{
    // Before one of these a full stop does not end a sentence, even with a capital after it.
    private static readonly HashSet<string> s_abbreviations =
        new(StringComparer.OrdinalIgnoreCase) { "e.g.", "i.e.", "cf.", "vs.", "Fig.", "No.", "Sect.", "approx.", "et" };

    public static IEnumerable<Sentence> Sentences(string file)
    {
        List<(string Text, int Line)> paragraph = [];
        string? fence = null;
        bool comment = false;
        int number = 0;
        foreach (string line in File.ReadLines(file))
        {
            number++;
            string text = line.Trim();
            while (text.StartsWith('>'))
            {
                text = text[1..].TrimStart();
            }

            if (fence is not null || comment)
            {
                fence = fence is not null && text.StartsWith(fence, StringComparison.Ordinal) ? null : fence;
                comment = comment && !text.Contains("-->", StringComparison.Ordinal);
                continue;
            }

            if (Fence().Match(text) is { Success: true } opening)
            {
                fence = opening.Value;
            }
            else if (text.StartsWith("<!--", StringComparison.Ordinal))
            {
                comment = !text.Contains("-->", StringComparison.Ordinal);
            }
            else if (!NotProse().IsMatch(text))
            {
                Match item = Item().Match(text);
                if (item.Success)
                {
                    foreach (Sentence sentence in Split(file, paragraph))
                    {
                        yield return sentence;
                    }

                    paragraph.Clear();
                    text = text[item.Length..];
                }

                paragraph.Add((text, number));
                continue;
            }

            foreach (Sentence sentence in Split(file, paragraph))
            {
                yield return sentence;
            }

            paragraph.Clear();
        }

        foreach (Sentence sentence in Split(file, paragraph))
        {
            yield return sentence;
        }
    }

    private static IEnumerable<Sentence> Split(string file, List<(string Text, int Line)> paragraph)
    {
        if (paragraph.Count == 0)
        {
            yield break;
        }

        List<(string Text, int Line)> tokens = [.. Tokens(paragraph)];
        int first = 0;
        for (int i = 0; i < tokens.Count; i++)
        {
            if (i + 1 == tokens.Count || Ends(tokens[i].Text, tokens[i + 1].Text))
            {
                string[] words = [.. tokens[first..(i + 1)].Select(token => token.Text)];
                int count = words.Count(word => word.Any(char.IsLetterOrDigit));
                yield return new Sentence(file, tokens[first].Line, count, string.Join(' ', words));
                first = i + 1;
            }
        }
    }

    /// <summary>The words of a paragraph, without its marks. Code, which may run over a line's end, becomes one word.</summary>
    private static IEnumerable<(string Text, int Line)> Tokens(List<(string Text, int Line)> paragraph)
    {
        string text = string.Join('\n', paragraph.Select(line => line.Text));
        text = Code().Replace(text, match => "code" + new string('\n', match.Value.Count(c => c == '\n')));
        text = Image().Replace(text, "");
        text = Link().Replace(text, match => match.Groups[1].Value);
        text = Tag().Replace(text, "");
        int line = 0;
        foreach (string part in text.Split('\n'))
        {
            foreach (string word in part.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                string plain = word.Replace("*", "", StringComparison.Ordinal).Trim('_');
                if (plain.Length > 0)
                {
                    yield return (plain, paragraph[Math.Min(line, paragraph.Count - 1)].Line);
                }
            }

            line++;
        }
    }

    private static bool Ends(string word, string next)
    {
        string bare = word.TrimEnd(')', ']', '"', '\'', '”', '’');
        return bare.Length > 0 && bare[^1] is '.' or '!' or '?' or '…'
            && !s_abbreviations.Contains(bare.TrimStart('(', '[', '"', '“'))
            && Begins(next);
    }

    private static bool Begins(string word) =>
        char.IsUpper(word[0]) || char.IsAsciiDigit(word[0])
        || word[0] is '(' or '[' or '"' or '“'
        || word.StartsWith("code", StringComparison.Ordinal);

    [GeneratedRegex("^(```+|~~~+)")]
    private static partial Regex Fence();

    // Blank, a heading, a table, a rule, a line of HTML, the target of a link.
    [GeneratedRegex(@"^($|#|\||---|\*\*\*$|<|\[[^\]]+\]:)")]
    private static partial Regex NotProse();

    [GeneratedRegex(@"^([-*+]|\d+[.)])\s+(\[[ x]\]\s+)?")]
    private static partial Regex Item();

    [GeneratedRegex("(`+).+?\\1", RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex(@"!\[[^\]]*\]\([^)]*\)")]
    private static partial Regex Image();

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex Link();

    [GeneratedRegex("</?[a-zA-Z][^>]*>|<https?:[^>]*>")]
    private static partial Regex Tag();
}

/// <summary>max_line_length of .editorconfig: the last section that names a file counts.</summary>
internal static partial class LineLength
{
    private static readonly string[] s_notWritten = ["/bin/", "/obj/", "/artifacts/", "/.git/", "/node_modules/"];

    public static IEnumerable<string> Overlong()
    {
        List<(Regex Files, int Limit)> limits = [.. Limits(File.ReadLines(".editorconfig"))];
        foreach (string file in Directory.EnumerateFiles(".", "*", SearchOption.AllDirectories)
            .Select(path => path.Replace('\\', '/')[2..]).Order(StringComparer.Ordinal))
        {
            int limit = limits.LastOrDefault(limit => limit.Files.IsMatch(file)).Limit;
            bool isCode = file.EndsWith(".cs", StringComparison.Ordinal);
            if (limit == 0 || (!isCode && !file.EndsWith(".md", StringComparison.Ordinal)) || s_notWritten.Any($"/{file}".Contains))
            {
                continue;
            }

            int number = 0;
            bool isText = false;                  // between three quotes, or between two fences
            foreach (string line in File.ReadLines(file))
            {
                number++;
                bool turns = isCode ? Quotes().Count(line) % 2 == 1 : line.TrimStart().StartsWith("```", StringComparison.Ordinal);
                if (!isText && !turns && Measure(line, isCode) > limit)
                {
                    yield return $"{file}:{number}: {Measure(line, isCode)} characters, and at most {limit} are meant to be";
                }

                isText ^= turns;
            }
        }
    }

    private static int Measure(string line, bool isCode)
    {
        string text = line.TrimStart();
        return isCode && text.StartsWith("//", StringComparison.Ordinal) ? line.Length
            : isCode ? Literal().Replace(line, "").Length
            : text.StartsWith('|') ? 0
            : LinkTarget().Replace(line, "").Length;
    }

    private static IEnumerable<(Regex Files, int Limit)> Limits(IEnumerable<string> lines)
    {
        string section = "";
        foreach (string line in lines.Select(line => line.Trim()))
        {
            section = line.StartsWith('[') ? line[1..^1] : section;
            if (line.StartsWith("max_line_length", StringComparison.Ordinal))
            {
                yield return (ToRegex(section), int.TryParse(line.Split('=')[1], out int limit) ? limit : 0);
            }
        }
    }

    // * stands for anything, and {a,b} for either; a section without a folder is of files in any.
    private static Regex ToRegex(string section)
    {
        string pattern = Regex.Escape(section).Replace(@"\*\*", ".*", StringComparison.Ordinal).Replace(@"\*", "[^/]*", StringComparison.Ordinal)
            .Replace(@"\{", "(", StringComparison.Ordinal).Replace("}", ")", StringComparison.Ordinal).Replace(",", "|", StringComparison.Ordinal);
        return new Regex($"^{(section.Contains('/', StringComparison.Ordinal) ? "" : "(.*/)?")}{pattern}$");
    }

    [GeneratedRegex("\"\"\"")]
    private static partial Regex Quotes();

    // A string in one line, with three quotes or one.
    [GeneratedRegex("\"\"\".*?\"\"\"|\"(\\\\.|[^\"\\\\])*\"")]
    private static partial Regex Literal();

    [GeneratedRegex(@"(?<=\])\([^)]*\)|<https?:[^>]*>")]
    private static partial Regex LinkTarget();
}
