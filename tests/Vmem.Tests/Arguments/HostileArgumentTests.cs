using System.Numerics;
using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Arguments;

/// <summary>
/// Every method with every combination of edge values of every type: it works, or it refuses, or it throws an error that names the
/// argument; and if it threw, the arena is
/// as it was. Calls that worked are judged by Validate() alone, the model tests say the rest.
/// </summary>
public abstract class HostileArgumentTests<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private static readonly T s_two = T.One + T.One;
    private static readonly T s_high = T.MaxValue / s_two + T.One;

    private static readonly T[] s_edges =
        [T.Zero, T.One, s_two, T.CreateChecked(7), T.CreateChecked(
            8), T.CreateChecked(64), s_high - T.One, s_high, T.MaxValue - T.CreateChecked(8), T.MaxValue - T.One, T.MaxValue];

    [Fact]
    public void Two_amounts_at_the_edges_never_harm_the_arena()
    {
        foreach (T quantum in (T[])[T.One, T.CreateChecked(8)])
        {
            foreach (T first in s_edges)
            {
                foreach (T second in s_edges)
                {
                    Try(quantum, ["start", "size"], arena => arena.AddSpan(first, second));
                    Try(quantum, ["start", "size"], arena => arena.TryRemoveSpan(first, second));
                    Try(quantum, ["start", "size"], arena => arena.Free(first, second));
                    Try(quantum, ["start", "size"], arena => arena.FreeConstrained(first, second));
                    Try(quantum, ["starts", "size"], arena => arena.FreeMany([first], second));
                    Try(quantum, ["oldSize", "newSize"], arena => arena.TryExtend(T.CreateChecked(64), first, second));
                    Try(quantum, ["oldSize", "newSize"], arena => arena.TryExtend(first, T.CreateChecked(8), second));
                }
            }
        }
    }

    [Fact]
    public void One_amount_at_the_edges_never_harms_the_arena()
    {
        foreach (T quantum in (T[])[T.One, T.CreateChecked(8)])
        {
            foreach (T size in s_edges)
            {
                Try(quantum, ["size"], arena => arena.Allocate(size));
                Try(quantum, ["size"], arena => arena.TryAllocate(size, out _));
                Try(quantum, ["size"], arena => arena.TryAllocateMany(size, new T[2]));
                Try(quantum, ["size"], arena => arena.Explain(size));
                Try(quantum, [], arena => arena.Contains(size));
                Try(quantum, [], arena => arena.TryGetSegment(size, out _));
                foreach (FitPolicy policy in Enum.GetValues<FitPolicy>())
                {
                    Try(quantum, ["size"], arena => arena.Allocate(size, policy));
                    Try(quantum, ["size"], arena => arena.TryAllocate(size, policy, out _));
                    Try(quantum, ["size"], arena => arena.TryAllocateHandle(size, policy, out _));
                }
            }
        }
    }

    [Fact]
    public void Constraints_at_the_edges_never_harm_the_arena()
    {
        foreach (T first in s_edges)
        {
            foreach (T second in s_edges)
            {
                RangeConstraints<T>[] all =
                [
                    new() { Align = first, Phase = second },
                    new() { Align = first, NoCross = second },
                    new() { Phase = first, NoCross = second },
                    new() { Min = first, Max = second },
                    new() { Align = first, Min = second },
                    new() { Align = first, Phase = second, NoCross = s_high, Min = second, Max = T.MaxValue },
                ];
                foreach (RangeConstraints<T> constraints in all)
                {
                    foreach (T size in (T[])[T.Zero, T.One, T.CreateChecked(8), T.MaxValue])
                    {
                        FitPolicy policy = (FitPolicy)(uint.CreateTruncating(first + second + size) % 7);
                        Try(T.One, ["size", "constraints"], arena => arena.AllocateConstrained(size, constraints, policy));
                        Try(T.CreateChecked(8), ["size", "constraints"], arena => arena.TryAllocateConstrained(size, constraints, policy, out _));
                        Try(T.CreateChecked(8), ["size", "constraints"], arena => arena.Explain(size, constraints));
                    }
                }
            }
        }
    }

    [Fact]
    public void A_policy_that_does_not_exist_is_named()
    {
        foreach (FitPolicy policy in (FitPolicy[])[(FitPolicy)7, (FitPolicy)(-1), (FitPolicy)int.MaxValue])
        {
            Try(T.One, ["policy"], arena => arena.Allocate(T.One, policy), mustThrow: true);
            Try(T.One, ["policy"], arena => arena.TryAllocate(T.One, policy, out _), mustThrow: true);
            Try(T.One, ["policy"], arena => arena.AllocateConstrained(T.One, default, policy), mustThrow: true);
            Try(T.One, ["policy"], arena => arena.TryAllocateConstrained(T.One, new() { Align = s_two }, policy, out _), mustThrow: true);
            Try(T.One, ["policy"], arena => arena.TryAllocateHandle(T.One, policy, out _), mustThrow: true);
            Assert.ThrowsAny<ArgumentException>(() => new Arena<T>("policy", T.One, new ArenaOptions<T> { Policy = policy }));
        }
    }

    [Fact]
    public void Each_broken_rule_of_constraints_is_an_argument_error()
    {
        T eight = T.CreateChecked(8);
        T three = T.CreateChecked(3);
        RangeConstraints<T>[] bad =
        [
            new() { Align = three }, new()
            {
                NoCross = three * eight
            }, new() { Align = s_two }, new() { NoCross = s_two }, new() { Phase = three, Align = eight * eight },
            new()
            {
                Phase = eight
            }, new() { Align = eight + eight, Phase = eight + eight }, new() { Align = eight * eight, NoCross = eight * s_two },
            new() { NoCross = eight },
        ];
        foreach (RangeConstraints<T> constraints in bad)
        {
            Try(eight, ["constraints"], arena => arena.AllocateConstrained(eight + eight, constraints), mustThrow: true);
            Try(eight, ["constraints"], arena => arena.Explain(eight + eight, constraints), mustThrow: true);
        }
    }

    [Fact]
    public void Constructors_name_what_is_wrong()
    {
        Assert.Equal("name", Assert.Throws<ArgumentNullException>(() => new Arena<T>(null!, T.One)).ParamName);
        Assert.Equal("quantum", Assert.ThrowsAny<ArgumentException>(() => new Arena<T>("bad", T.Zero)).ParamName);

        T eight = T.CreateChecked(8);
        (T Start, T Size)[] spans =
            [(T.Zero, T.Zero), (T.One, eight), (T.Zero, T.One), (T.MaxValue - eight + T.One, eight + eight), (eight, T.MaxValue)];
        foreach ((T start, T size) in spans)
        {
            Assert.Contains(Assert.ThrowsAny<ArgumentException>(() => new Arena<T>("bad", start, size, eight)).ParamName, (string[])["start", "size"]);
        }

        Assert.Throws<ArgumentNullException>(() => new Arena<T>("dump", T.One).Dump(null!));
        Assert.Throws<ArgumentNullException>(() => Arena<T>.Restore(null!));
        Assert.Throws<ArgumentNullException>(() => ArenaSnapshot<T>.FromJson(null!));
    }

    /// <summary>Makes the call on a small arena with something in it. Only the library's own errors may come out, naming one of the
    /// parameters; then nothing may have changed.</summary>
    private static void Try(T quantum, string[] parameters, Action<Arena<T>> call, bool mustThrow = false)
    {
        using Arena<T> arena =
            new("hostile", T.CreateChecked(64), T.CreateChecked(64), quantum, new ArenaOptions<T> { Policy = FitPolicy.FirstFit });
        arena.Allocate(T.CreateChecked(8));
        arena.Allocate(T.CreateChecked(16));
        arena.Free(T.CreateChecked(64), T.CreateChecked(8));
        string before = ArenaPicture.Segments(arena);
        Exception? thrown = Record.Exception(() => call(arena));
        arena.Validate();
        Assert.True(thrown is not null || !mustThrow, "Nothing was thrown.");
        switch (thrown)
        {
            case null:
                return;
            case ArgumentException wrong:
                Assert.Contains(wrong.ParamName, parameters);
                break;
            default:
                Assert.True(thrown is InvalidFreeException or ArenaExhaustedException, thrown.ToString());
                break;
        }

        Assert.Equal(before, ArenaPicture.Segments(arena));
    }
}

public sealed class HostileByteTests : HostileArgumentTests<byte>;

public sealed class HostileUshortTests : HostileArgumentTests<ushort>;

public sealed class HostileUintTests : HostileArgumentTests<uint>;

[Trait("Once", "Release")]
public sealed class HostileUlongTests : HostileArgumentTests<ulong>;

public sealed class HostileNuintTests : HostileArgumentTests<nuint>;

public sealed class HostileUInt128Tests : HostileArgumentTests<UInt128>;
