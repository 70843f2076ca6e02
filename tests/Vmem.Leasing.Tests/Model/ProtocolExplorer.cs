using Vmem.Leasing.Protocol;

namespace Vmem.Leasing.Tests.Model;

/// <summary>Every world that two clients, one span, and a server with an asynchronous replica can come into, breadth first.</summary>
/// <remarks>
/// The adversary delays and loses messages, steps the server's clock forward, fails over to a stale replica, and cuts anybody off for any
/// time. Safe means: never may both clients use the span. All comparisons of times are those of <see cref="LeaseRules"/>, which the product
/// runs.
/// </remarks>
internal sealed class ProtocolExplorer(ProtocolRules rules)
{
    private const int ClientA = 1;
    private const int ClientB = 2;

    /// <summary>Of a session that nobody lets expire.</summary>
    private const int Never = 99;

    private static readonly string[] s_moves =
    [
        "time passes", "the server's clock is stepped", "the replica takes over", "a phase of the hold ends", "A reasserts", "the replica follows",
        "A sends a renewal", "A is renewed", "A's request is lost", "A hears", "A's response is lost",
        "B sends a renewal", "B is renewed", "B's request is lost", "B hears", "B's response is lost",
        "a sweep", "B is granted the span",
    ];

    private readonly WorldSet _worlds = new();
    private int _current;

    public int Worlds => _worlds.Count;

    /// <summary>Looks at all of them.</summary>
    /// <returns>The way to a world in which both may use the span; null: there is none.</returns>
    public IReadOnlyList<string>? FindOverlap()
    {
        _worlds.Add(First().Pack(), parent: -1, move: 0);
        for (_current = 0; _current < _worlds.Count; _current++)
        {
            World world = World.Unpack(_worlds[_current]);
            if (MayUse(world, world.A) && MayUse(world, world.B))
            {
                return [.. _worlds.PathTo(_current).Select(step => $"t={World.Unpack(step.World).Now} {s_moves[step.Move]}")];
            }

            Expand(world);
        }

        return null;
    }

    private World First()
    {
        Server server = new()
        {
            A = ServerSession.LiveUntil(rules.Ttl),
            B = ServerSession.LiveUntil(Never),
            Owner = ClientA,
            HoldUntil = -1,
        };
        return new()
        {
            A = new() { Holds = true, Deadline = rules.Ttl },
            Server = server,
            Replica = server with { Owner = rules.LosesGrant ? 0 : ClientA },
            StepsLeft = rules.Steps,
            FailoversLeft = rules.Failovers,
        };
    }

    private bool MayUse(in World world, in Client client) =>
        client.Holds && !client.IsDead && (!rules.HasDeadline || LeaseRules.MayUse(client.Deadline, world.Now));

    private int ClockOf(in World world) => world.Now + world.Server.Steps * rules.StepSize;

    private void Found(in World world, int move) => _worlds.Add(world.Pack(), _current, (byte)move);

    private void Expand(in World world)
    {
        if (world.Now < rules.Ticks)
        {
            Found(world with { Now = world.Now + 1 }, 0);
        }

        if (world.StepsLeft > 0)
        {
            Found(world with { StepsLeft = world.StepsLeft - 1, Server = world.Server with { Steps = world.Server.Steps + 1 } }, 1);
        }

        ExpandServer(world);
        ExpandClient(world, ClientA, 6);
        ExpandClient(world, ClientB, 11);
        Sweep(world);
        Grant(world);
    }

    private void ExpandServer(in World world)
    {
        Server server = world.Server;
        int clock = ClockOf(world);
        bool isBehind = world.FailoversLeft > 0 && world.Replica.Pack() != server.Pack();
        if (isBehind)
        {
            Found(world with { Server = Promoted(world, clock), FailoversLeft = world.FailoversLeft - 1 }, 2);
        }

        if (server.Phase > 0 && LeaseRules.EndsPhase(server.HoldUntil, clock))
        {
            Found(world with { Server = server with { Phase = server.Phase - 1, HoldUntil = clock + rules.Hold } }, 3);
        }

        if (server.Phase > 0 && server.Owner == 0 && world.A.Holds && !world.A.IsDead && LeaseRules.MayUse(world.A.Deadline, world.Now))
        {
            Found(world with { Server = server with { Owner = ClientA } }, 4);
        }

        if (isBehind)
        {
            Found(world with { Replica = server }, 5);
        }
    }

    private Server Promoted(in World world, int clock)
    {
        Server promoted = world.Replica with
        {
            Steps = world.Server.Steps,
            Incarnation = world.Server.Incarnation + 1,
            HoldUntil = clock + rules.Hold,
            Phase = rules.Hold > 0 ? rules.Phases : 0,
        };
        for (int who = ClientA; who <= ClientB && rules.Forgives; who++)
        {
            promoted[who] = promoted[who].Stage == Stage.Dead ? promoted[who] : ServerSession.LiveUntil(clock + rules.Ttl);
        }

        return promoted;
    }

    private void ExpandClient(in World world, int who, int move)
    {
        Client client = world[who];
        if (client.IsDead)
        {
            return;
        }

        World next = world;
        switch (client.Flight)
        {
            case Flight.None when who == ClientA || client.Holds:
                next[who] = client with { Flight = Flight.Request, Sent = world.Now };
                Found(next, move);
                break;
            case Flight.Request:
                bool accepts = world.Server[who].Stage != Stage.Dead;
                if (accepts)
                {
                    next.Server[who] = ServerSession.LiveUntil(ClockOf(world) + rules.Ttl);
                }

                next[who] = client with
                {
                    Flight = Flight.Response,
                    IsAccepted = accepts,
                    HeardIncarnation = world.Server.Incarnation,
                    IsKnown = world.Server.Owner == who,
                };
                Found(next, move + 1);
                next = world;
                next[who] = client.Landed();
                Found(next, move + 2);
                break;
            case Flight.Response:
                next[who] = Hear(world, client);
                Found(next, move + 3);
                next[who] = client.Landed();
                Found(next, move + 4);
                break;
        }
    }

    private Client Hear(in World world, in Client client)
    {
        Client landed = client.Landed();
        if (!client.IsAccepted)
        {
            return landed with { IsDead = true, Holds = false };
        }

        bool isSame = !rules.EndsAtFailover || client.HeardIncarnation == client.Incarnation;
        bool isPast = !LeaseRules.MayUse(client.Deadline, world.Now);
        return LeaseRules.Hear(client.Holds, isSame, isPast, client.IsKnown) switch
        {
            Hearing.End => landed with { IsDead = true, Holds = false },
            Hearing.Keep => landed with { Incarnation = client.HeardIncarnation },
            _ => landed with
            {
                Deadline = Math.Max(client.Deadline, (int)LeaseRules.Deadline(client.Sent, rules.Ttl)),
                Incarnation = client.HeardIncarnation,
            },
        };
    }

    private void Sweep(in World world)
    {
        Server server = world.Server;
        int clock = ClockOf(world);
        for (int who = ClientA; who <= ClientB; who++)
        {
            ServerSession session = server[who];
            if (session.Stage == Stage.Live && LeaseRules.HasExpired(session.Expires, clock))
            {
                server[who] = session with { Stage = Stage.Lapsed, Lapsed = clock };
            }
            else if (session.Stage == Stage.Lapsed && (rules.Quarantine == 0 || LeaseRules.IsPast(session.Lapsed, rules.Quarantine, clock)))
            {
                server[who] = new ServerSession { Stage = Stage.Dead };
                server.Owner = server.Owner == who ? 0 : server.Owner;
            }
        }

        if (world.Server.Phase == 0 && server.Pack() != world.Server.Pack())
        {
            Found(world with { Server = server }, 16);
        }
    }

    private void Grant(in World world)
    {
        Server server = world.Server;
        if (server.Owner == 0 && server.Phase == 0 && server.B.Stage == Stage.Live && !world.B.IsDead && !world.B.Holds)
        {
            server.Owner = ClientB;
            server.B = ServerSession.LiveUntil(ClockOf(world) + rules.Ttl);
            Client granted = world.B with
            {
                Holds = true,
                Deadline = (int)LeaseRules.Deadline(world.Now, rules.Ttl),
                Incarnation = server.Incarnation,
            };
            Found(world with { Server = server, B = granted }, 17);
        }
    }
}
