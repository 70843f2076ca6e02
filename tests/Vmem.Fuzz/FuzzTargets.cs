using Vmem.Fuzz.Targets;

namespace Vmem.Fuzz;

/// <summary>All readers that are fuzzed. A reader that is added to the tool or the library gets a line here, and a folder of seeds.</summary>
internal static class FuzzTargets
{
    // Numbers where signed, 32-bit and 64-bit arithmetic and the arena's limits turn over.
    private static readonly string[] s_decimal = ["0", "1", "255", "4294967296", "9223372036854775807", "140737488355328", "18446744073709551615", "18446744073709551616"];
    private static readonly string[] s_hexadecimal = ["0", "1", "ffffffff", "7fffffffffffffff", "800000000000", "ffffffffffffffff", "10000000000000000"];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new TraceTarget("text", ["a ", "f ", "\na 1 ", "\nf 1\n", "# ", "\r\n", "\t", .. s_decimal]),
        new TraceTarget("heaptrack", ["v 10400 3\n", "+ 10 0 1\n", "- 1\n", "\n+ ", "\n- ", "c 5\n", "t 1 0\n", "0x", .. s_hexadecimal]),
        new TraceTarget("kinds", ["v 10400 3\n", "\na 10 1\n", "\n+ 0\n", "\n- 0\n", "\ns 3 abc\n", "\ni 1 1 1 1 1\n", "\nt 1 0\n", "\nc 5\n", .. s_hexadecimal]),
        new TraceTarget("mtrace", ["= Start\n", "= End\n", "@ a:[0x1] + 0x10 0x8\n", "@ a:[0x1] - 0x10\n", "@ a < ", "@ a > ", "@ a ! ", "(nil)", "0x", .. s_hexadecimal]),
        new TraceTarget("valgrind", ["--1-- malloc(24) = 0x4A41040\n", "--1-- free(0x4A41040)\n", "--1-- realloc(0x0,50)malloc(50) = 0x4A41040\n", "--1--  = 0\n", "calloc(2,16)", "memalign(al 64, size 100)",
            "==1== ", "--00:00:00:01.615 1-- ", "_ZdlPv(", "_ZnwmSt11align_val_t(size 64, al 64)", "(nil)", "-1", .. s_decimal]),
        new TraceTarget("ltrace", ["malloc(24) = 0x10\n", "free(0x10) = <void>\n", "1 malloc(24 <unfinished ...>\n", "1 <... malloc resumed> ) = 0x10\n", "realloc(0x10, 0) = 0\n", "calloc(2, 16) = 0x20\n", "[pid 1] ",
            "libc.so.6->", "operator new(unsigned long)(32) = 0x30\n", "operator delete(void*)(", "(nil)", " <0.000123>", "Attaching 3 probes...\n", "-1", .. s_decimal]),
        new TraceTarget("zstd", ["\u0028\u00b5\u002f\u00fd", "\u0050\u002a\u004d\u0018", "\u0028\u00b5\u002f\u00fd\u0000\u0058", "\u0001\u0000\u0000"]),
        new TraceTarget("gzip", ["\u001f\u008b\u0008\u0000", "\u001f\u008b\u0008\u0010", "\u0003\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000"]),
        new TraceTarget("arena", ["vmem 2\n", "\nq 16\n", "\nu 4096\n", "\ns 0 4096\n", "\nd 0 4096\n", "\ng 1 name\n", "\nt 1\n", "\nx 1\n", "\na 16 16 1\n", "\nr 16 32\n", "\nf 16\n",
            "340282366920938463463374607431768211455", "340282366920938463463374607431768211456", .. s_decimal]),
        new MapTarget(),
        new RestoreTarget(),
        new SizeTarget(),
    ];

    public static FuzzTarget? Find(string name) => All.FirstOrDefault(target => target.Name == name);
}
