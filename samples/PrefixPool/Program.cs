using System.Net;
using Vmem;
using Vmem.Samples;

// 2001:db8::/32 is the network that RFC 3849 sets aside for examples. The provider hands out /48s, its sites /64s and shorter ones.
using var provider = new PrefixPool("provider", IPNetwork.Parse("2001:db8::/32"), longest: 48);
Show(provider, 48);

Console.WriteLine();
Console.WriteLine("A data centre gets a /44 of its own, aligned as a prefix must be:");
IPNetwork router = provider.Delegate(48);
IPNetwork dataCentre = provider.Delegate(44);
Console.WriteLine($"  {router} the provider's own, {dataCentre} the data centre's");

Console.WriteLine();
Console.WriteLine("Two sites take what they need; each imports its first /48 when it delegates its first prefix:");
using var hamburg = new PrefixPool("Hamburg", provider, longest: 64);
using var vienna = new PrefixPool("Vienna", provider, longest: 64);
IPNetwork[] offices = [hamburg.Delegate(64), hamburg.Delegate(64), hamburg.Delegate(56), hamburg.Delegate(64)];
IPNetwork laboratory = vienna.Delegate(64);
Console.WriteLine($"  Hamburg: {string.Join(", ", offices)}");
Console.WriteLine($"  Vienna:  {laboratory}");
Show(hamburg, 64);

Console.WriteLine();
Console.WriteLine("Hamburg delegates a /56 to each of 300 customers; one /48 has 256, so that it imports another:");
IPNetwork[] customers = [.. Enumerable.Range(0, 300).Select(_ => hamburg.Delegate(56))];
Console.WriteLine($"  first {customers[0]}, 254th {customers[253]}, 255th {customers[254]}, last {customers[^1]}");
Show(hamburg, 64);
Show(provider, 48);

Console.WriteLine();
Console.WriteLine("What cannot be right changes nothing:");
vienna.Return(laboratory);
Attempt(() => vienna.Return(laboratory));
Attempt(() => hamburg.Return(IPNetwork.Parse("2001:db8:ffff::/64")));
Attempt(() => provider.Delegate(32));

Console.WriteLine();
Console.WriteLine("Everything is returned, and the sites close:");
foreach (IPNetwork prefix in offices.Concat(customers))
{
    hamburg.Return(prefix);
}

Show(hamburg, 64);                                // keeps one empty import, lest it import and release at every swing
hamburg.Dispose();
vienna.Dispose();
provider.Return(router);
provider.Return(dataCentre);
Show(provider, 48);
Console.WriteLine($"  The provider's network is whole again: {provider.Delegate(32)}");

static void Show(PrefixPool pool, int prefixLength)
{
    ArenaStatistics<UInt128> figures = pool.Statistics;
    Console.WriteLine(
        $"  {pool.Name} [{string.Join(", ", pool.Spans)}]: {PrefixPool.Count(figures.InUse, prefixLength)} /{prefixLength} in use, " +
        $"{PrefixPool.Count(figures.Free, prefixLength)} free (segments: {figures.FreeSegments})");
}

static void Attempt(Action action)
{
    try
    {
        action();
        Console.WriteLine("  This should have failed.");
    }
    catch (Exception e) when (e is InvalidFreeException or ArenaExhaustedException)
    {
        Console.WriteLine($"  {e.Message}");
    }
}
