using Vmem.Leasing;

namespace Vmem.Leasing.Conformance;

// Grants at a certain place.
public abstract partial class LeaseStoreContract
{
    /// <summary>A window as long as the request is a place: it is given as asked for, at either end of the arena, too, or not at
    /// all.</summary>
    [Theory]
    [InlineData(1000, 8, "1000+8 Leased", "1008+56 Free")]
    [InlineData(1016, 16, "1000+16 Free", "1016+16 Leased", "1032+32 Free")]
    [InlineData(1056, 8, "1000+56 Free", "1056+8 Leased")]
    [InlineData(1000, 64, "1000+64 Leased")]
    public async Task A_place_is_given_as_a_whole_or_not_at_all(int start, int size, params string[] expected)
    {
        Guid session = await OpenAsync();
        LeaseRequest request = Place(session, start, size);
        LeaseAnswer answer = await Store.GrantAsync(request, Token);
        Assert.Equal(((UInt128)start, (UInt128)size), (answer.Claim!.Start, answer.Claim.Size));
        Assert.Equal(answer, await Store.GrantAsync(request, Token));
        Assert.Equal(expected, await ExtentsAsync());
        Guid other = await OpenAsync();
        Assert.Equal(LeaseVerdict.NoRoom, (await Store.GrantAsync(Place(other, start, size), Token)).Verdict);
        Assert.Equal(LeaseVerdict.NoRoom, (await Store.GrantAsync(Place(other, start + size - 1, 1), Token)).Verdict);
        Assert.Equal(LeaseVerdict.NoRoom, (await Store.GrantAsync(Place(other, start, 1), Token)).Verdict);
        Assert.Equal(expected, await ExtentsAsync());
    }

    /// <summary>The extents around a place may be of any length, and many.</summary>
    [Fact]
    public async Task A_place_among_many_extents_is_found_in_whichever_holds_it()
    {
        Guid session = await OpenAsync();
        for (int i = 0; i < 60; i += 4)
        {
            Assert.Equal(LeaseVerdict.Granted, (await Store.GrantAsync(Place(session, 1000 + i, 1), Token)).Verdict);
        }

        LeaseRequest[] requests =
        [
            Place(session, 1041, 3), Place(session, 1042, 2), Place(session, 1058, 2), Place(session, 1059, 5), Place(session, 1060, 4),
            Place(session, 1025, 1), Place(session, 1024, 1), Place(session, 1027, 2), Place(session, 1062, 3),
        ];
        IReadOnlyList<LeaseAnswer> answers = await Store.GrantManyAsync(requests, Token);
        Assert.Equal(["1041+3", "NoRoom", "1058+2", "NoRoom", "1060+4", "1025+1", "NoRoom", "NoRoom", "NoRoom"],
            answers.Select(static answer => answer.Claim is { } claim ? $"{claim.Start}+{claim.Size}" : $"{answer.Verdict}"));
    }
}
