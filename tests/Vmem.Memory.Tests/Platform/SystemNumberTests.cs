using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Platform;

/// <summary>What the system tells in a file is remembered once it is known, and not before.</summary>
public class SystemNumberTests
{
    public static TheoryData<Exception> Passing => [new IOException("too many open files"), new InsufficientMemoryException()];

    public static TheoryData<Exception> Lasting =>
    [
        new FileNotFoundException(), new DirectoryNotFoundException(), new UnauthorizedAccessException(), new FormatException(),
        new OverflowException(),
    ];

    [Fact]
    public void It_is_read_once()
    {
        int reads = 0;
        SystemNumber number = new(() => 40 + ++reads, otherwise: 7);
        Assert.Equal(0, reads);
        Assert.Equal((41, 41, 1), (number.Value, number.Value, reads));
        Assert.Equal(0, new SystemNumber(() => 0, otherwise: 7).Value);
    }

    [Theory]
    [MemberData(nameof(Passing))]
    public void What_could_not_be_read_once_is_read_again(Exception fault)
    {
        int reads = 0;
        SystemNumber number = new(() => ++reads < 3 ? throw fault : 41, otherwise: 7);
        Assert.Equal((7, 7, 41, 41, 3), (number.Value, number.Value, number.Value, number.Value, reads));
    }

    [Theory]
    [MemberData(nameof(Lasting))]
    public void What_is_not_there_is_not_asked_for_again(Exception fault)
    {
        int reads = 0;
        SystemNumber number = new(() => ++reads == 1 ? throw fault : 41, otherwise: 7);
        Assert.Equal((7, 7, 1), (number.Value, number.Value, reads));
    }

    [Fact]
    public void A_fault_of_the_program_is_told()
    {
        int reads = 0;
        SystemNumber number = new(() => ++reads == 1 ? throw new NotSupportedException() : 41, otherwise: 7);
        Assert.Throws<NotSupportedException>(() => number.Value);
        Assert.Equal(41, number.Value);
    }
}
