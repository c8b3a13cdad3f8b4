using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Mlops.Sdk.Registry;

/// <summary>Which addresses may be sent to: checked as text when a webhook is added, and as an IP address whenever a connection is made, because a name can point elsewhere tomorrow.</summary>
internal static class WebhookAddress
{
    private const int MaxLength = 2_000;

    internal static Uri Check(string text, WebhookOptions options)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > MaxLength || !Uri.TryCreate(text, UriKind.Absolute, out Uri? uri))
        {
            throw Invalid(text, $"it is no absolute address of at most {MaxLength} characters");
        }

        if (WhyNot(uri, options) is { } why)
        {
            throw Invalid(text, why);
        }

        return uri;
    }

    /// <summary>Makes the handler that sends: no redirects, no cookies, no proxy (it would connect for us), and only to addresses that are allowed.</summary>
    internal static HttpMessageHandler CreateHandler(WebhookOptions options) => new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        MaxResponseHeadersLength = 16,
        MaxResponseDrainSize = 4096,
        ResponseDrainTimeout = TimeSpan.FromSeconds(1),
        PooledConnectionLifetime = TimeSpan.FromMinutes(2), // names are looked up again
        ConnectCallback = (context, cancellation) => ConnectAsync(context.DnsEndPoint, options, cancellation),
    };

    /// <summary>Finds why an address may not be connected to, or null.</summary>
    internal static string? WhyNot(IPAddress address, WebhookOptions options)
    {
        IPAddress inner = Unwrap(address);
        if (IPAddress.IsLoopback(inner))
        {
            return options.AllowLoopback ? null : $"{address} is this machine; {nameof(WebhookOptions)}.{nameof(WebhookOptions.AllowLoopback)} is off";
        }

        return IsPublic(inner) || options.AllowPrivateNetworks ? null : $"{address} is no public address; {nameof(WebhookOptions)}.{nameof(WebhookOptions.AllowPrivateNetworks)} is off";
    }

    private static string? WhyNot(Uri uri, WebhookOptions options)
    {
        if (uri.UserInfo.Length > 0)
        {
            return "it holds a user name or password; the signature tells the receiver who sends";
        }

        if (uri.Fragment.Length > 0 || uri.Host.Length == 0)
        {
            return "it has a fragment, or no host";
        }

        bool local = uri.IsLoopback;
        if (uri.Scheme != Uri.UriSchemeHttps && !(uri.Scheme == Uri.UriSchemeHttp && (options.AllowHttp || (local && options.AllowLoopback))))
        {
            return $"its scheme is '{uri.Scheme}' and must be https";
        }

        if (local && !options.AllowLoopback)
        {
            return $"it is this machine; {nameof(WebhookOptions)}.{nameof(WebhookOptions.AllowLoopback)} is off";
        }

        return IPAddress.TryParse(uri.DnsSafeHost, out IPAddress? literal) ? WhyNot(literal, options) : null;
    }

    private static async ValueTask<Stream> ConnectAsync(DnsEndPoint target, WebhookOptions options, CancellationToken cancellationToken)
    {
        IPAddress[] found = await Dns.GetHostAddressesAsync(target.Host, cancellationToken).ConfigureAwait(false);
        IPAddress[] allowed = [.. found.Where(a => WhyNot(a, options) is null)];
        if (allowed.Length == 0)
        {
            throw new AddressRefusedException(found.Length == 0 ? "the host has no address" : WhyNot(found[0], options)!);
        }

        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, target.Port, cancellationToken).ConfigureAwait(false); // the addresses that were checked, not the name again
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Takes the IPv4 address out of the IPv6 forms that carry one: mapped, compatible, 6to4 and NAT64.</summary>
    private static IPAddress Unwrap(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        if (address.IsIPv4MappedToIPv6 || (bytes[..12].IndexOfAnyExcept((byte)0) < 0 && BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]) > 1)
            || bytes[..12].SequenceEqual((ReadOnlySpan<byte>)[0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]))
        {
            return new IPAddress(bytes[12..]);
        }

        return bytes[0] == 0x20 && bytes[1] == 0x02 ? new IPAddress(bytes[2..6]) : address;
    }

    private static bool IsPublic(IPAddress address)
    {
        Span<byte> b = stackalloc byte[16];
        address.TryWriteBytes(b, out int length);
        if (length == 16)
        {
            // what is not in the global unicast range 2000::/3 is local, private, multicast or reserved; 2001:db8::/32 is documentation, 2001::/32 a tunnel
            return (b[0] & 0xE0) == 0x20 && !(b[0] == 0x20 && b[1] == 0x01 && ((b[2] == 0x0d && b[3] == 0xb8) || (b[2] == 0 && b[3] == 0)));
        }

        return b[0] switch
        {
            0 or 10 or 127 or >= 224 => false,
            100 => (b[1] & 0xC0) != 64,
            169 => b[1] != 254,
            172 => (b[1] & 0xF0) != 16,
            192 => !(b[1] == 168 || (b[1] == 0 && b[2] is 0 or 2)),
            198 => !(b[1] is 18 or 19 || (b[1] == 51 && b[2] == 100)),
            203 => !(b[1] == 0 && b[2] == 113),
            _ => true,
        };
    }

    private static MlopsDataException Invalid(string text, string why) =>
        new("webhook.invalid_address", $"The webhook's address {RegistryRules.Show(text)} is refused: {why}. Use an https address of a public host, or allow more in the options.");
}

/// <summary>A connection that the rules forbid.</summary>
internal sealed class AddressRefusedException(string message) : Exception(message);
