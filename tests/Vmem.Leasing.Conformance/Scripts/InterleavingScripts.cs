using static Vmem.Leasing.Conformance.Scripts.Steps;

namespace Vmem.Leasing.Conformance.Scripts;

/// <summary>The scripts. The arena has 16 values from 1000 on; the last client of most is time and a third party's sweep.</summary>
public static class InterleavingScripts
{
    private const int A = 0;
    private const int B = 1;
    private const int C = 2;

    private static readonly (int, ScriptStep)[] s_bothOpen = [(A, Ensure), (A, Open(latest: 100)), (B, Open(latest: 200))];

    public static IReadOnlyList<InterleavingScript> All { get; } =
    [
        new("two begin", [],
            [Ensure, Open(), Grant(0, 12), Release(0, clean: true), Close(clean: true)],
            [Ensure, Open(), Grant(0, 12), Grant(1, 4), Close(clean: false)]),
        new("silence and a revival", [.. s_bothOpen, (A, Grant(0, 12))],
            [Renew(latest: 110), Release(0, clean: false)],
            [Renew(latest: 210), Grant(0, 8), Grant(1, 4)],
            [Pass(0.6), Pass(0.6), Sweep, Pass(1), Sweep]),
        new("a clock that is stepped", [.. s_bothOpen, (A, Grant(0, 16))],
            [Renew(latest: 120), Renew(latest: 130)],
            [Renew(latest: 220), Grant(0, 16)],
            [StepClock(100), Sweep, Pass(0.6), Sweep, Pass(0.6), Sweep]),
        new("places and pieces", s_bothOpen,
            [Grant(0, 4, min: 1004, max: 1008), Grant(1, 4, align: 8), Release(0, clean: false)],
            [Grant(0, 4, min: 1006, max: 1011), GrantMany(1, 2, 5, 1), Close(clean: false)],
            [Pass(1), Sweep, Pass(0.1)]),
        new("the same again", s_bothOpen,
            [Grant(0, 10), Grant(0, 10), Release(0, clean: false), Grant(0, 10)],
            [Grant(0, 10, least: 2), Renew(latest: 230), Grant(0, 10, least: 2)],
            [Pass(0.9), Pass(0.2), Sweep]),
        new("an end, a sweep and a pruned audit", [.. s_bothOpen, (A, Grant(0, 6))],
            [Mark(0, 50), Grant(1, 6), Close(clean: false)],
            [Grant(0, 4), Close(clean: true)],
            [Pass(1.1), Sweep, Prune, Pass(1.1), Sweep]),
        new("three want the room of one who falls silent", [.. s_bothOpen, (C, Open(latest: 300)), (A, Grant(0, 16))],
            [Renew(latest: 160), Release(0, clean: true)],
            [Renew(latest: 250), Grant(0, 9)],
            [Renew(latest: 310), Grant(0, 9)],
            [Pass(1.1), Sweep, Pass(1), Sweep]),
        new("a failover", [.. s_bothOpen, (A, Grant(0, 4))],
            [Grant(1, 8), Renew(latest: 140), Reassert, Renew(latest: 150)],
            [Renew(latest: 240), Grant(0, 8)],
            [Remember, FailOver, Pass(1), Sweep, Pass(1)]),
    ];

    public static InterleavingScript Named(string name) => All.Single(script => script.Name == name);
}
