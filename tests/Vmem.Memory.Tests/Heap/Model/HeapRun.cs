// Theory. A heap may put a block where it likes. What the run checks is all that can be seen from outside: a block overlaps no other block
// of any heap, starts where it must, is as long as it must be and not longer than the bound, holds what was written until it is freed, and
// is zero if it should be. The figures must be the model's after every step, to the byte. Only limited heaps may say that they are full.
using Vmem.Caching;
using Vmem.Testing.Driving;
using Vmem.Testing.Time;

namespace Vmem.Memory.Tests.Heap.Model;

/// <summary>Does a scenario's steps to heaps, and compares all that can be asked.</summary>
internal sealed unsafe partial class HeapRun : IDisposable
{
    private readonly HeapScenario _scenario;
    private readonly ManualTime _time = new();
    private readonly NativeHeap[] _heaps;
    private readonly List<HeapBlock>[] _blocks;
    private readonly SortedSet<(nuint End, nuint Start)> _extents = [];       // of the blocks of all heaps
    private int _numbers;

    private HeapRun(HeapScenario scenario)
    {
        _scenario = scenario;
        _heaps = [.. Enumerable.Range(0, scenario.Heaps).Select(_ => NewHeap())];
        _blocks = [.. _heaps.Select(_ => new List<HeapBlock>())];
    }

    /// <summary>A live block.</summary>
    /// <param name="Start">Where it is.</param>
    /// <param name="Asked">How many bytes were asked for last.</param>
    /// <param name="Usable">How many may be used.</param>
    /// <param name="Number">What is written in it.</param>
    private sealed record HeapBlock(nuint Start, nuint Asked, nuint Usable, int Number);

    /// <summary>What went wrong first; null if nothing did.</summary>
    public static string? FirstFault(HeapScenario scenario)
    {
        using HeapRun run = new(scenario);
        int number = 0;
        try
        {
            foreach (HeapStep step in scenario.Steps)
            {
                number++;
                run.Do(step, step.Heap % scenario.Heaps);
                run.CheckFigures(step.Heap % scenario.Heaps);
            }

            run.Finish();
            return null;
        }
        catch (Exception fault)
        {
            return $"After {number} steps: {fault.Message}";
        }
    }

    public void Dispose() => Array.ForEach(_heaps, heap => heap.Dispose());

    private NativeHeap NewHeap() => new(new NativeHeapOptions { Limit = (nuint)_scenario.Limit, TimeProvider = _time });

    private void Do(in HeapStep step, int heap)
    {
        List<HeapBlock> blocks = _blocks[heap];
        switch (step.Kind)
        {
            case HeapStepKind.Free or HeapStepKind.FreeSized or HeapStepKind.Reallocate or HeapStepKind.Ask:
                if (blocks.Count > 0)
                {
                    DoToBlock(step, heap, step.Target % blocks.Count);
                }

                break;
            case HeapStepKind.FreeWrong:
                FreeWrong(heap, step);
                break;
            case HeapStepKind.Trim:
                _ = _heaps[heap].Trim();
                Require(_heaps[heap].GetStatistics().Cached == 0, "something is cached after a trim");
                break;
            case HeapStepKind.EndInterval:
                _time.Advance(Upkeep.Interval);
                break;
            case HeapStepKind.Verify:
                _heaps[heap].Validate();
                blocks.ForEach(CheckContents);
                break;
            case HeapStepKind.DisposeHeap:
                _heaps[heap].Dispose();
                blocks.ForEach(block => _extents.Remove((block.Start + block.Usable, block.Start)));
                blocks.Clear();
                _heaps[heap] = NewHeap();
                break;
            default:
                Allocate(step, heap);
                break;
        }
    }

    private void DoToBlock(in HeapStep step, int heap, int index)
    {
        HeapBlock block = _blocks[heap][index];
        switch (step.Kind)
        {
            case HeapStepKind.Reallocate:
                Reallocate(heap, index, (nuint)step.Size);
                break;
            case HeapStepKind.Ask:
                Require(_heaps[heap].GetSize((void*)block.Start) == block.Usable, "a block's size has changed");
                Require(_heaps[heap].Owns((void*)(block.Start + ((nuint)step.Size % block.Usable))), "a heap does not own what lies in its block");
                Require(!_heaps.Where((other, i) => i != heap && other.Owns((void*)block.Start)).Any(), "a heap owns another's block");
                break;
            default:
                CheckContents(block);
                Remove(heap, index);
                if (step.Kind == HeapStepKind.Free)
                {
                    _heaps[heap].Free((void*)block.Start);
                }
                else
                {
                    // Any size from the one asked for to the usable one.
                    _heaps[heap].Free((void*)block.Start, block.Asked + ((nuint)step.Size % (block.Usable - block.Asked + 1)));
                }

                break;
        }
    }

    private void Finish()
    {
        for (int heap = 0; heap < _heaps.Length; heap++)
        {
            _heaps[heap].Validate();
            _blocks[heap].ForEach(CheckContents);
            while (_blocks[heap].Count > 0)
            {
                HeapBlock block = _blocks[heap][^1];
                Remove(heap, _blocks[heap].Count - 1);
                _heaps[heap].Free((void*)block.Start);
            }

            CheckFigures(heap);
            _ = _heaps[heap].Trim();
            _heaps[heap].Validate();
            NativeHeapStatistics statistics = _heaps[heap].GetStatistics();
            Require((statistics.Held, statistics.Slabs, statistics.Cached) == (0, 0, 0), $"an empty heap holds something after a trim: {statistics}");
        }
    }

    private static void Require(bool condition, string complaint)
    {
        if (!condition)
        {
            throw new DivergenceException(complaint);
        }
    }
}
