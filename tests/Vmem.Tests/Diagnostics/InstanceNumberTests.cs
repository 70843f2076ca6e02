using Vmem.Checks;
using Vmem.Diagnostics;
using Xunit;

namespace Vmem.Tests.Diagnostics;

/// <summary>The numbers that tell those of one name apart: the lowest that is free, found without trying all that are not.</summary>
public class InstanceNumberTests
{
    private const int Many = 20_000;

    private readonly MeteredRegistry _registry = new("name", "instance", levels: 1);
    private readonly List<Subject> _subjects = [];          // the registry keeps none alive, and a dead one has no number

    [Fact]
    public void The_lowest_number_that_is_free_is_taken()
    {
        MeteredEntry[] entries = [.. Enumerable.Range(0, 6).Select(_ => Enter("same"))];
        Assert.Equal([1, 2, 3, 4, 5, 6], entries.Select(entry => _registry.InstanceOf(entry, "same")));
        Assert.Equal(1, _registry.InstanceOf(Enter("other"), "other"));
        Array.ForEach([entries[4], entries[0], entries[2]], _registry.Remove);
        Assert.Equal([1, 3, 5, 7], Enumerable.Range(0, 4).Select(_ => _registry.InstanceOf(Enter("same"), "same")));
    }

    [Fact]
    public void When_all_of_a_name_are_gone_it_begins_anew()
    {
        MeteredEntry[] entries = [.. Enumerable.Range(0, 3).Select(_ => Enter("same"))];
        Array.ForEach(entries, entry => _registry.InstanceOf(entry, "same"));
        Array.ForEach(entries, _registry.Remove);
        Assert.Equal([1, 2], Enumerable.Range(0, 2).Select(_ => _registry.InstanceOf(Enter("same"), "same")));
    }

    [Fact]
    public void The_list_of_many_of_one_name_tries_few_numbers_for_each()
    {
        MeteredEntry[] entries = [.. Enumerable.Range(0, Many).Select(_ => Enter("same"))];
        _ = StepCounter.Take();
        Array.ForEach(entries, entry => _registry.InstanceOf(entry, "same"));
        Assert.InRange(StepCounter.Take(), Many, 2 * Many);
        Array.ForEach(entries[..(Many / 2)], _registry.Remove);
        MeteredEntry[] others = [.. Enumerable.Range(0, Many).Select(_ => Enter("same"))];
        _ = StepCounter.Take();
        Assert.Equal(Enumerable.Range(1, Many / 2).Concat(Enumerable.Range(Many + 1, Many / 2)),
            others.Select(entry => _registry.InstanceOf(entry, "same")));
        Assert.InRange(StepCounter.Take(), Many, 2 * Many);
    }

    private MeteredEntry Enter(string name)
    {
        Subject subject = new(name);
        _subjects.Add(subject);
        _registry.Add(subject, out MeteredEntry entry);
        return entry;
    }

    private sealed class Subject(string name) : IMetered
    {
        public string Name => name;

        public bool TryRead(int figure, out long value)
        {
            value = 0;
            return true;
        }
    }
}
