namespace Vmem.Architecture.Tests;

/// <summary>The circles of a graph: its strongly connected components of more than one node, by Tarjan's algorithm.</summary>
internal static class Circles
{
    /// <summary>The nodes of each circle, largest circle first.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Of(IEnumerable<(string From, string To)> arrows)
    {
        ILookup<string, string> next = arrows.ToLookup(arrow => arrow.From, arrow => arrow.To);
        Dictionary<string, int> entered = [];
        Dictionary<string, int> lowest = [];
        Stack<string> open = [];
        List<IReadOnlyList<string>> circles = [];
        foreach (string node in next.Select(group => group.Key))
        {
            if (!entered.ContainsKey(node))
            {
                Visit(node);
            }
        }

        return [.. circles.OrderByDescending(circle => circle.Count)];

        void Visit(string node)
        {
            entered[node] = lowest[node] = entered.Count;
            open.Push(node);
            foreach (string target in next[node])
            {
                if (!entered.TryGetValue(target, out int turn))
                {
                    Visit(target);
                    lowest[node] = Math.Min(lowest[node], lowest[target]);
                }
                else if (open.Contains(target))
                {
                    lowest[node] = Math.Min(lowest[node], turn);
                }
            }

            if (lowest[node] == entered[node])
            {
                List<string> circle = [];
                do
                {
                    circle.Add(open.Pop());
                }
                while (circle[^1] != node);
                if (circle.Count > 1)
                {
                    circles.Add(circle);
                }
            }
        }
    }
}
