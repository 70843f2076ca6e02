using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Tracing;
using Vmem.Lifetimes;

namespace Vmem.Listing;

/// <summary>The event source "Vmem": what goes wrong or is slow, as it happens; and, for whoever asks, what there is.</summary>
/// <remarks>
/// <para>
/// All events are written where a request has left the fast path already: where it fails, waits, or asks a source. Allocations are sampled
/// on paths that an arena takes only while somebody listens (<see cref="Space.Space{T}.SetSampled"/>). So the fast paths have the same
/// instructions, whoever listens. No event is written under a lock.
/// </para>
/// <para>
/// A <em>rundown</em> says what there is: a session that enables <see cref="Keywords.Arenas"/> or <see cref="Keywords.Segments"/> gets one,
/// on a thread of its own, and is told when it is complete. Of its arguments <c>Request</c> is any text that all events of the rundown
/// repeat; <c>Arena</c> and <c>Instance</c> name the arena whose segments are wanted.
/// </para>
/// <para>Amounts are doubles, as a unit may be anything and 128 bits wide; starts are hexadecimal text, and exact.</para>
/// </remarks>
[EventSource(Name = SourceName)]
[UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "What is written are numbers, text and bytes.")]
internal sealed unsafe class VmemEvents : EventSource
{
    /// <summary>The name that sessions ask for. It never changes.</summary>
    public const string SourceName = "Vmem";

    /// <summary>The one source of the process.</summary>
    public static readonly VmemEvents Log = Create();

    private readonly Rundowns _rundowns = new();

    // With the name, which the attribute has too: else it is read by reflection, which took 6 of the 25 ms of a program's first arena.
    private VmemEvents()
        : base(SourceName, EventSourceSettings.EtwManifestEventFormat)
    {
    }

    /// <summary>What a session may ask for.</summary>
    public static class Keywords
    {
        public const EventKeywords Failures = (EventKeywords)0x1;
        public const EventKeywords Leaks = (EventKeywords)0x2;
        public const EventKeywords Waits = (EventKeywords)0x4;
        public const EventKeywords Imports = (EventKeywords)0x8;
        public const EventKeywords Allocations = (EventKeywords)0x10;
        public const EventKeywords Arenas = (EventKeywords)0x20;
        public const EventKeywords Segments = (EventKeywords)0x40;
    }

    [NonEvent]
    public bool Wants(EventKeywords keyword) => IsEnabled() && IsEnabled(EventLevel.LogAlways, keyword);

    [Event(1, Level = EventLevel.Warning, Keywords = Keywords.Failures)]
    public void AllocationFailed(string arena, double size) => Write(1, arena, size);

    [Event(2, Level = EventLevel.Warning, Keywords = Keywords.Leaks)]
    public void ArenaLeaked(string arena, double size, long ranges)
    {
        fixed (char* name = arena)
        {
            EventData* data = stackalloc EventData[3];
            data[0] = Of(arena, name);
            data[1] = new EventData { DataPointer = (nint)(&size), Size = sizeof(double) };
            data[2] = new EventData { DataPointer = (nint)(&ranges), Size = sizeof(long) };
            WriteEventCore(2, 3, data);
        }
    }

    [Event(3, Level = EventLevel.Informational, Keywords = Keywords.Waits)]
    public void WaitBegan(string arena, double size) => Write(3, arena, size);

    [Event(4, Level = EventLevel.Informational, Keywords = Keywords.Waits)]
    public void WaitEnded(string arena, double milliseconds) => Write(4, arena, milliseconds);

    [Event(5, Level = EventLevel.Informational, Keywords = Keywords.Imports)]
    public void SpanImported(string arena, double size, string start) => Write(5, arena, size, start);

    [Event(6, Level = EventLevel.Informational, Keywords = Keywords.Imports)]
    public void SpanReleased(string arena, double size, string start) => Write(6, arena, size, start);

    [Event(7, Level = EventLevel.Informational, Keywords = Keywords.Allocations)]
    public void AllocationSampled(string arena, double size, string start) => Write(7, arena, size, start);

    [Event(8, Level = EventLevel.Informational, Keywords = Keywords.Arenas | Keywords.Segments)]
    public void ArenaDescribed(string request, string arena, int instance, string type, string policy, string source, int sourceInstance,
        double quantum, double size, double inUse, double free, double largestFree, double peak, long segments, long failures, int waiting)
    {
        fixed (char* requestText = request, name = arena, typeName = type, policyName = policy, sourceName = source)
        {
            EventData* data = stackalloc EventData[16];
            data[0] = Of(request, requestText);
            data[1] = Of(arena, name);
            data[2] = new EventData { DataPointer = (nint)(&instance), Size = sizeof(int) };
            data[3] = Of(type, typeName);
            data[4] = Of(policy, policyName);
            data[5] = Of(source, sourceName);
            data[6] = new EventData { DataPointer = (nint)(&sourceInstance), Size = sizeof(int) };
            data[7] = new EventData { DataPointer = (nint)(&quantum), Size = sizeof(double) };
            data[8] = new EventData { DataPointer = (nint)(&size), Size = sizeof(double) };
            data[9] = new EventData { DataPointer = (nint)(&inUse), Size = sizeof(double) };
            data[10] = new EventData { DataPointer = (nint)(&free), Size = sizeof(double) };
            data[11] = new EventData { DataPointer = (nint)(&largestFree), Size = sizeof(double) };
            data[12] = new EventData { DataPointer = (nint)(&peak), Size = sizeof(double) };
            data[13] = new EventData { DataPointer = (nint)(&segments), Size = sizeof(long) };
            data[14] = new EventData { DataPointer = (nint)(&failures), Size = sizeof(long) };
            data[15] = new EventData { DataPointer = (nint)(&waiting), Size = sizeof(int) };
            WriteEventCore(8, 16, data);
        }
    }

    /// <summary>A batch of the segments of an arena: see <see cref="SegmentCode"/>.</summary>
    [Event(9, Level = EventLevel.Informational, Keywords = Keywords.Segments)]
    public void SegmentsDescribed(string request, string arena, int instance, int batch, byte[] segments)
    {
        int length = segments.Length;
        fixed (char* requestText = request, name = arena)
        fixed (byte* bytes = segments)
        {
            EventData* data = stackalloc EventData[6];
            data[0] = Of(request, requestText);
            data[1] = Of(arena, name);
            data[2] = new EventData { DataPointer = (nint)(&instance), Size = sizeof(int) };
            data[3] = new EventData { DataPointer = (nint)(&batch), Size = sizeof(int) };
            data[4] = new EventData { DataPointer = (nint)(&length), Size = sizeof(int) };
            data[5] = new EventData { DataPointer = (nint)bytes, Size = length };
            WriteEventCore(9, 6, data);
        }
    }

    [Event(10, Level = EventLevel.Informational, Keywords = Keywords.Arenas | Keywords.Segments)]
    public void RundownEnded(string request, int arenas)
    {
        fixed (char* text = request)
        {
            EventData* data = stackalloc EventData[2];
            data[0] = Of(request, text);
            data[1] = new EventData { DataPointer = (nint)(&arenas), Size = sizeof(int) };
            WriteEventCore(10, 2, data);
        }
    }

    /// <inheritdoc/>
    /// <remarks>The runtime holds locks of its own here: all work is done later, by another thread.</remarks>
    protected override void OnEventCommand(EventCommandEventArgs command) => _rundowns.Heed(this, command);

    private static VmemEvents Create()
    {
        var log = new VmemEvents();
        Unloading.Then(log.Dispose);
        return log;
    }

    [NonEvent]
    private static EventData Of(string text, char* chars) => new() { DataPointer = (nint)chars, Size = (text.Length + 1) * sizeof(char) };

    [NonEvent]
    private void Write(int id, string arena, double amount)
    {
        fixed (char* name = arena)
        {
            EventData* data = stackalloc EventData[2];
            data[0] = Of(arena, name);
            data[1] = new EventData { DataPointer = (nint)(&amount), Size = sizeof(double) };
            WriteEventCore(id, 2, data);
        }
    }

    [NonEvent]
    private void Write(int id, string arena, double size, string start)
    {
        fixed (char* name = arena, text = start)
        {
            EventData* data = stackalloc EventData[3];
            data[0] = Of(arena, name);
            data[1] = new EventData { DataPointer = (nint)(&size), Size = sizeof(double) };
            data[2] = Of(start, text);
            WriteEventCore(id, 3, data);
        }
    }
}
