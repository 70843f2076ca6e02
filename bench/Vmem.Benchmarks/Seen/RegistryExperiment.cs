using System.Linq.Expressions;
using System.Reflection;
using Vmem.Benchmarks.Measurement;

namespace Vmem.Benchmarks.Seen;

/// <summary>What the registry of the process adds to an arena's life: an entry is made, and taken out again.</summary>
/// <remarks>The registry is internal. A compiled expression calls it as the arena does, without a check of access.</remarks>
internal sealed class RegistryExperiment : IDisposable
{
    private const int Pairs = 20_000;

    private readonly Arena<ulong> _subject = new("listed", 0, 100, 1);
    private readonly Action<int> _entries;

    public RegistryExperiment() => _entries = Compile(_subject);

    /// <summary>Nanoseconds for an entry, beside so many others.</summary>
    public double MeasureEntry(int others)
    {
        Arena<ulong>[] kept = [.. Enumerable.Range(0, others).Select(static _ => new Arena<ulong>("other", 0, 100, 1))];
        double nanoseconds = Time(_entries);
        Array.ForEach(kept, static arena => arena.Dispose());
        return nanoseconds;
    }

    /// <summary>Nanoseconds for an arena that is made and disposed of.</summary>
    public static double MeasureArena() => Time(static pairs =>
    {
        for (int i = 0; i < pairs; i++)
        {
            new Arena<ulong>("short-lived", 0, 100, 1).Dispose();
        }
    });

    public void Dispose() => _subject.Dispose();

    private static double Time(Action<int> pairs)
    {
        long begin = ThreadClock.Now();
        pairs(Pairs);
        return (ThreadClock.Now() - begin) / (double)Pairs;
    }

    private static Action<int> Compile(object subject)
    {
        object registry = typeof(ArenaMetrics).GetProperty("Arenas", BindingFlags.NonPublic | BindingFlags.Static)!.GetValue(null)!;
        MethodInfo add = registry.GetType().GetMethod("Add")!;
        MethodInfo remove = registry.GetType().GetMethod("Remove")!;
        ParameterExpression left = Expression.Parameter(typeof(int), "left");
        ParameterExpression entry = Expression.Variable(remove.GetParameters()[0].ParameterType, "entry");
        ParameterExpression at = Expression.Variable(registry.GetType(), "registry");
        ParameterExpression one = Expression.Variable(add.GetParameters()[0].ParameterType, "subject");
        LabelTarget end = Expression.Label();
        return Expression.Lambda<Action<int>>(
            Expression.Block(
                [entry, at, one],
                Expression.Assign(at, Expression.Constant(registry, registry.GetType())),
                Expression.Assign(one, Expression.Convert(Expression.Constant(subject), one.Type)),
                Expression.Loop(
                    Expression.IfThenElse(
                        Expression.GreaterThan(Expression.PostDecrementAssign(left), Expression.Constant(0)),
                        Expression.Block(Expression.Call(at, add, one, entry), Expression.Call(at, remove, entry)),
                        Expression.Break(end)),
                    end)),
            left).Compile();
    }
}
