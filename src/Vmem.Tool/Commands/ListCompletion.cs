using System.CommandLine.Completions;

namespace Vmem.Tool.Commands;

/// <summary>Completes the last name of a list with commas between.</summary>
internal static class ListCompletion
{
    public static Func<CompletionContext, IEnumerable<CompletionItem>> Of(IEnumerable<string> names)
    {
        List<string> all = [.. names];
        return context =>
        {
            string word = context.WordToComplete;
            string before = word[..(word.LastIndexOf(',') + 1)];
            string[] taken = before.Split(',', StringSplitOptions.RemoveEmptyEntries);
            return all.Except(taken).Select(name => new CompletionItem(before + name));
        };
    }
}
