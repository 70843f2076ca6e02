namespace Vmem.Fuzz.Targets;

/// <summary>The words of each format of recordings.</summary>
internal static class TraceWords
{
    // Numbers where signed, 32-bit and 64-bit arithmetic and the arena's limits turn over.
    private static readonly string[] s_decimal =
    [
        "0", "1", "-1", "255", "4294967296", "140737488355328", "9223372036854775807", "18446744073709551615", "18446744073709551616",
    ];

    private static readonly string[] s_hexadecimal =
    [
        "0", "1", "0x", "ffffffff", "800000000000", "7fffffffffffffff", "ffffffffffffffff", "10000000000000000",
    ];

    public static string[] Text { get; } = ["a ", "f ", "\na 1 ", "\nf 1\n", "# ", "\r\n", "\t", "\u00ef\u00bb\u00bf", .. s_decimal];

    public static string[] Arena { get; } =
    [
        "vmem 2\n", "\nq 16\n", "\nu 4096\n", "\ns 0 4096\n", "\nd 0 4096\n", "\ng 1 name\n", "\nt 1\n", "\nx 1\n",
        "\na 16 16 1\n", "\nr 16 32\n",
        "\nf 16\n", "340282366920938463463374607431768211455", "340282366920938463463374607431768211456", .. s_decimal,
    ];

    public static string[] Heaptrack { get; } =
    [
        "v 10400 3\n", "+ 10 0 1\n", "- 1\n", "\n+ ", "\n- ", "c 5\n", "t 1 0\n", "\nm 1 x 0 1000 100\n", "\nm 1 -\n",
        "\nx 4 prog\n", .. s_hexadecimal,
    ];

    public static string[] Kinds { get; } =
    [
        "v 10400 3\n", "\na 10 1\n", "\n+ 0\n", "\n- 0\n", "\ns 3 abc\n", "\ni 1 1 1 1 1\n", "\nt 1 0\n", "\nc 5\n", .. s_hexadecimal,
    ];

    public static string[] Mtrace { get; } =
    [
        "= Start\n", "= End\n", "@ a:[0x1] + 0x10 0x8\n", "@ a:[0x1] - 0x10\n", "@ a < ", "@ a > ", "@ a ! ", "(nil)", .. s_hexadecimal,
    ];

    public static string[] Valgrind { get; } =
    [
        "--1-- malloc(24) = 0x4A41040\n", "--1-- free(0x4A41040)\n", "--1-- realloc(0x0,50)malloc(50) = 0x4A41040\n",
        "--1--  = 0\n", "calloc(2,16)",
        "memalign(al 64, size 100)", "==1== ", "--00:00:00:01.615 1-- ", "_ZdlPv(", "_ZnwmSt11align_val_t(size 64, al 64)",
        "(nil)", .. s_decimal,
    ];

    public static string[] Ltrace { get; } =
    [
        "malloc(24) = 0x10\n", "free(0x10) = <void>\n", "1 malloc(24 <unfinished ...>\n", "1 <... malloc resumed> ) = 0x10\n",
        "realloc(0x10, 0) = 0\n",
        "calloc(2, 16) = 0x20\n", "[pid 1] ", "libc.so.6->", "operator new(unsigned long)(32) = 0x30\n", "operator delete(void*)(", "(nil)",
        " <0.000123>", "Attaching 3 probes...\n", .. s_decimal,
    ];

    // Magic numbers, headers, an empty last block.
    public static string[] Zstd { get; } =
        ["\u0028\u00b5\u002f\u00fd", "\u0050\u002a\u004d\u0018", "\u0028\u00b5\u002f\u00fd\u0000\u0058", "\u0001\u0000\u0000"];

    public static string[] Gzip { get; } =
        ["\u001f\u008b\u0008\u0000", "\u001f\u008b\u0008\u0010", "\u0003\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000"];
}
