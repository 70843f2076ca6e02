using System.Globalization;
using Vmem.Testing.Generation;

namespace Vmem.Testing.Exploration;

/// <summary>The decisions of one schedule: a number at each point at which there is more than one way to go on. 0 is the way without a
/// surprise: the same thread goes on, and a store is seen.</summary>
internal abstract class Choices
{
    private readonly List<int> _taken = [];

    /// <summary>The decisions that were no 0, as position:choice. With them the schedule happens again.</summary>
    public string Trace => string.Join(' ', _taken.Select((choice, position) => (choice, position)).Where(taken => taken.choice != 0)
        .Select(taken => string.Create(CultureInfo.InvariantCulture, $"{taken.position}:{taken.choice}")));

    /// <summary>How many decisions there were so far.</summary>
    public int Count => _taken.Count;

    /// <param name="ways">How many ways there are.</param>
    /// <param name="isSurprise">Whether other ways than 0 count as surprises.</param>
    public int Choose(int ways, bool isSurprise)
    {
        int choice = ways == 1 ? 0 : Pick(ways, isSurprise);
        if (ways > 1)
        {
            _taken.Add(choice);
        }

        return choice;
    }

    /// <summary>Which of the threads that can goes on; the first of them is the one that would without a surprise.</summary>
    public virtual int ChooseThread(IReadOnlyList<int> threads, bool isSurprise) => Choose(threads.Count, isSurprise);

    public void Restart() => _taken.Clear();

    protected abstract int Pick(int ways, bool isSurprise);
}

/// <summary>All schedules with so many surprises at most, one after the other.</summary>
internal sealed class Systematic(int surprises) : Choices
{
    private readonly List<(int Choice, int Ways, bool IsSurprise)> _path = [];

    /// <summary>Goes on to the next schedule.</summary>
    /// <returns>False if there is none.</returns>
    public bool MoveNext()
    {
        Restart();
        while (_path.Count > 0)
        {
            (int choice, int ways, bool isSurprise) = _path[^1];
            _path.RemoveAt(_path.Count - 1);
            if (choice + 1 < ways && (!isSurprise || choice > 0 || _path.Count(step => step.IsSurprise && step.Choice > 0) < surprises))
            {
                _path.Add((choice + 1, ways, isSurprise));
                return true;
            }
        }

        return false;
    }

    protected override int Pick(int ways, bool isSurprise)
    {
        if (Count == _path.Count)
        {
            _path.Add((0, ways, isSurprise));
        }

        (int choice, int expected, _) = _path[Count];
        return expected == ways ? choice
            : throw new InvalidOperationException($"The threads did not do the same twice: at {Count} there were {expected} ways, and now {ways}.");
    }
}

/// <summary>Random schedules by priority: the thread with the highest goes on, and at a few random points it gets the lowest. A fault that
/// needs d such points is found with a known least probability (Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of
/// Finding Bugs", ASPLOS 2010).</summary>
internal sealed class ByPriority : Choices
{
    private const int Changes = 3;
    private const int Doubt = 3;                  // one store in so many is not seen at first: arbitrary

    private readonly SeededRandom _random;
    private readonly int[] _priority;
    private readonly HashSet<int> _changes = [];
    private int _steps;
    private int _least;

    /// <param name="seed">Which schedule.</param>
    /// <param name="threads">How many threads there are.</param>
    /// <param name="steps">About how many steps a schedule has.</param>
    public ByPriority(ulong seed, int threads, int steps)
    {
        _random = new SeededRandom(seed);
        _priority = new int[threads];
        for (int i = 0; i < threads; i++)
        {
            _priority[i] = _random.Below(1_000_000);
        }

        for (int i = 0; i < Changes; i++)
        {
            _changes.Add(_random.Below(Math.Max(steps, 1)));
        }
    }

    public override int ChooseThread(IReadOnlyList<int> threads, bool isSurprise)
    {
        if (_changes.Contains(_steps++))
        {
            _priority[threads[0]] = --_least;
        }

        int best = Enumerable.Range(0, threads.Count).MaxBy(i => _priority[threads[i]]);
        return Take(best, threads.Count);
    }

    protected override int Pick(int ways, bool isSurprise) => _forced ?? (_random.Below(Doubt) == 0 ? _random.Below(ways) : 0);

    private int? _forced;

    private int Take(int choice, int ways)
    {
        _forced = choice;
        try
        {
            return Choose(ways, isSurprise: true);
        }
        finally
        {
            _forced = null;
        }
    }
}

/// <summary>A schedule that was printed.</summary>
internal sealed class Replayed : Choices
{
    private readonly Dictionary<int, int> _choices;

    public Replayed(string trace) => _choices = trace.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(step => step.Split(':'))
        .ToDictionary(step => int.Parse(step[0], CultureInfo.InvariantCulture), step => int.Parse(step[1], CultureInfo.InvariantCulture));

    protected override int Pick(int ways, bool isSurprise) => Math.Min(_choices.GetValueOrDefault(Count), ways - 1);
}
