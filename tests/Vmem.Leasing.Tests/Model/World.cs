namespace Vmem.Leasing.Tests.Model;

/// <summary>What a client's message is doing.</summary>
internal enum Flight
{
    None,
    Request,
    Response,
}

/// <summary>A session, to the server.</summary>
internal enum Stage
{
    Live,
    Lapsed,
    Dead,
}

/// <summary>A client: what it holds and believes, and its one message under way.</summary>
internal struct Client
{
    public bool Holds;
    public int Deadline;
    public int Incarnation;
    public Flight Flight;
    public int Sent;
    public bool IsAccepted;
    public int HeardIncarnation;
    public bool IsKnown;
    public bool IsDead;

    public static Client Unpack(ulong bits) => new()
    {
        Holds = (bits & 1) != 0,
        Deadline = (int)(bits >> 1 & 15),
        Incarnation = (int)(bits >> 5 & 1),
        Flight = (Flight)(bits >> 6 & 3),
        Sent = (int)(bits >> 8 & 15),
        IsAccepted = (bits >> 12 & 1) != 0,
        HeardIncarnation = (int)(bits >> 13 & 1),
        IsKnown = (bits >> 14 & 1) != 0,
        IsDead = (bits >> 15 & 1) != 0,
    };

    public readonly ulong Pack() =>
        Bit(Holds) | (ulong)(uint)Deadline << 1 | (ulong)(uint)Incarnation << 5 | (ulong)(uint)Flight << 6 | (ulong)(uint)Sent << 8
            | Bit(IsAccepted) << 12 | (ulong)(uint)HeardIncarnation << 13 | Bit(IsKnown) << 14 | Bit(IsDead) << 15;

    /// <summary>The message is gone, and nothing of it is remembered: states that differ in nothing else are one.</summary>
    public readonly Client Landed() =>
        this with { Flight = Flight.None, Sent = 0, IsAccepted = false, HeardIncarnation = 0, IsKnown = false };

    private static ulong Bit(bool value) => value ? 1UL : 0;
}

/// <summary>A session as the server keeps it.</summary>
internal struct ServerSession
{
    public Stage Stage;
    public int Expires;
    public int Lapsed;

    public static ServerSession LiveUntil(int expires) => new() { Expires = expires };

    public static ServerSession Unpack(ulong bits) =>
        new() { Stage = (Stage)(bits & 3), Expires = (int)(bits >> 2 & 127), Lapsed = (int)(bits >> 9 & 31) };

    public readonly ulong Pack() => (ulong)(uint)Stage | (ulong)(uint)Expires << 2 | (ulong)(uint)Lapsed << 9;
}

/// <summary>The server, or its replica: two sessions, and who has the span.</summary>
internal struct Server
{
    public int Steps;
    public ServerSession A;
    public ServerSession B;
    public int Owner;                             // 0: nobody; 1: A; 2: B
    public int Incarnation;
    public int HoldUntil;
    public int Phase;

    public static Server Unpack(ulong bits) => new()
    {
        Steps = (int)(bits & 3),
        A = ServerSession.Unpack(bits >> 2 & 0x3FFF),
        B = ServerSession.Unpack(bits >> 16 & 0x3FFF),
        Owner = (int)(bits >> 30 & 3),
        Incarnation = (int)(bits >> 32 & 1),
        HoldUntil = (int)(bits >> 33 & 63) - 1,
        Phase = (int)(bits >> 39 & 3),
    };

    public readonly ulong Pack() =>
        (ulong)(uint)Steps | A.Pack() << 2 | B.Pack() << 16 | (ulong)(uint)Owner << 30 | (ulong)(uint)Incarnation << 32
            | (ulong)(uint)(HoldUntil + 1) << 33 | (ulong)(uint)Phase << 39;

    public ServerSession this[int who]
    {
        readonly get => who == 1 ? A : B;
        set
        {
            if (who == 1)
            {
                A = value;
            }
            else
            {
                B = value;
            }
        }
    }
}

/// <summary>Everything: true time, two clients, a server with an asynchronous replica, and what the adversary may still do.</summary>
/// <remarks>It packs into 124 bits without loss, so that millions of worlds are an array.</remarks>
internal struct World
{
    public int Now;
    public Client A;
    public Client B;
    public Server Server;
    public Server Replica;
    public int StepsLeft;
    public int FailoversLeft;

    public Client this[int who]
    {
        readonly get => who == 1 ? A : B;
        set
        {
            if (who == 1)
            {
                A = value;
            }
            else
            {
                B = value;
            }
        }
    }

    public static World Unpack(UInt128 bits)
    {
        ulong low = (ulong)bits;
        ulong high = (ulong)(bits >> 64);
        return new()
        {
            Server = Server.Unpack(low & ((1UL << 41) - 1)),
            A = Client.Unpack(low >> 41 & 0xFFFF),
            Now = (int)(low >> 57 & 15),
            StepsLeft = (int)(low >> 61 & 3),
            Replica = Server.Unpack(high & ((1UL << 41) - 1)),
            B = Client.Unpack(high >> 41 & 0xFFFF),
            FailoversLeft = (int)(high >> 57 & 1),
        };
    }

    public readonly UInt128 Pack() => new(
        Replica.Pack() | B.Pack() << 41 | (ulong)(uint)FailoversLeft << 57,
        Server.Pack() | A.Pack() << 41 | (ulong)(uint)Now << 57 | (ulong)(uint)StepsLeft << 61);
}
