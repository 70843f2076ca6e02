using System.Net;
using System.Net.Sockets;
using Vmem;
using Vmem.Net;

// 2001:db8::/32 is the network that RFC 3849 sets aside for examples. The provider hands out /48s, its sites /64s and shorter ones.
using var provider = new PrefixPool("provider", Prefix.Parse("2001:db8::/32"), new() { LongestV6 = 48 });
Show(provider, 48);

Console.WriteLine();
Console.WriteLine("A data centre gets a /44 of its own, aligned as a prefix must be:");
IPNetwork router = provider.Allocate(48);
IPNetwork dataCentre = provider.Allocate(44);
Console.WriteLine($"  {router} the provider's own, {dataCentre} the data centre's");

Console.WriteLine();
Console.WriteLine("Two sites take what they need; each imports its first /48 when it delegates its first prefix:");
PrefixPoolOptions site = new() { LongestV6 = 64, Source = provider, Policy = FitPolicy.BestFit };
using var hamburg = new PrefixPool("Hamburg", [], site);
using var vienna = new PrefixPool("Vienna", [], site);
IPNetwork[] offices = [hamburg.Allocate(64), hamburg.Allocate(64), hamburg.Allocate(56), hamburg.Allocate(64)];
IPNetwork laboratory = vienna.Allocate(64);
Console.WriteLine($"  Hamburg: {string.Join(", ", offices)}");
Console.WriteLine($"  Vienna:  {laboratory}");
Show(hamburg, 64);

Console.WriteLine();
Console.WriteLine("Hamburg delegates a /56 to each of 300 customers; one /48 has 256, so that it imports another:");
IPNetwork[] customers = [.. Enumerable.Range(0, 300).Select(_ => hamburg.Allocate(56))];
Console.WriteLine($"  first {customers[0]}, 254th {customers[253]}, 255th {customers[254]}, last {customers[^1]}");
Show(hamburg, 64);
Show(provider, 48);

Console.WriteLine();
Console.WriteLine("What cannot be right changes nothing:");
vienna.Free(laboratory);
Attempt(() => vienna.Free(laboratory));
Attempt(() => hamburg.Free(Prefix.Parse("2001:db8:ffff::/64")));
Attempt(() => provider.Allocate(32));

Console.WriteLine();
Console.WriteLine("Everything is returned, and the sites close:");
foreach (IPNetwork prefix in offices.Concat(customers))
{
    hamburg.Free(prefix);
}

Show(hamburg, 64);                                // keeps one empty import, lest it import and release at every swing
hamburg.Dispose();
vienna.Dispose();
provider.Free(router);
provider.Free(dataCentre);
Show(provider, 48);
Console.WriteLine($"  The provider's network is whole again: {provider.Allocate(32)}");

static void Show(PrefixPool pool, int prefixLength)
{
    ArenaStatistics<UInt128> figures = pool.GetStatistics(AddressFamily.InterNetworkV6);
    Console.WriteLine(
        $"  {pool.Name} [{string.Join(", ", pool.Networks)}]: {figures.InUse >> (128 - prefixLength)} /{prefixLength} in use, " +
        $"{figures.Free >> (128 - prefixLength)} free (segments: {figures.FreeSegments})");
}

static void Attempt(Action action)
{
    try
    {
        action();
        Console.WriteLine("  This should have failed.");
    }
    catch (Exception e) when (e is InvalidFreeException or PrefixUnavailableException)
    {
        Console.WriteLine($"  {e.Message}");
    }
}
