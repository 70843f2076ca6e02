using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Vmem.Net.Ports;

/// <summary>Which ports are used on this machine.</summary>
internal static class LocalPorts
{
    /// <summary>All ports with a listener, of TCP and UDP.</summary>
    public static HashSet<int> Listeners()
    {
        IPGlobalProperties machine = IPGlobalProperties.GetIPGlobalProperties();
        return [.. machine.GetActiveTcpListeners().Concat(machine.GetActiveUdpListeners()).Select(end => end.Port)];
    }

    /// <summary>Whether a port cannot be bound. A machine without one of the families has it free there.</summary>
    public static bool IsInUse(int port) =>
        (Socket.OSSupportsIPv4 && IsInUse(IPAddress.Any, port)) || (Socket.OSSupportsIPv6 && IsInUse(IPAddress.IPv6Any, port));

    private static bool IsInUse(IPAddress address, int port) =>
        CannotBind(address, SocketType.Stream, port) || CannotBind(address, SocketType.Dgram, port);

    private static bool CannotBind(IPAddress address, SocketType type, int port)
    {
        using var socket = new Socket(address.AddressFamily, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp);
        try
        {
            if (address.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = false;                       // IPv4 has a test of its own
            }

            socket.ExclusiveAddressUse = true;
            socket.Bind(new IPEndPoint(address, port));
            return false;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            return true;                                       // access denied: below 1024, or reserved by the system
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported)
        {
            return false;                                      // the family is switched off on this machine
        }
    }
}
