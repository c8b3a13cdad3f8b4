using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>What a receiver finds when it checks a webhook's signature.</summary>
public enum WebhookVerdict
{
    /// <summary>The body is what the sender signed, a short while ago.</summary>
    Good,

    /// <summary>There is no signature header, or it does not read.</summary>
    Unreadable,

    /// <summary>No signature fits: another secret, or another body or time than was signed.</summary>
    Forged,

    /// <summary>The signature fits and is older, or more in the future, than the receiver accepts: perhaps somebody sends an old delivery again.</summary>
    OutOfTime,
}

/// <summary>Signs webhooks and checks them, on both sides.</summary>
/// <remarks>
/// The header <c>X-Mlops-Signature: t=SECONDS,v1=HEX</c> holds the Unix time in seconds and HMAC-SHA256, as lower-case hexadecimal digits, over the
/// time's digits, a dot and the bytes of the body; the key is the secret's UTF-8 bytes. More than one <c>v1</c> is there while a secret is changed.
/// Every attempt is signed anew, with its own time. Source of the MAC: RFC 2104 with FIPS 180-4.
/// </remarks>
public static class WebhookSignature
{
    /// <summary>The name of the signature's header.</summary>
    public const string Header = "X-Mlops-Signature";

    /// <summary>The name of the header with the delivery's id: the same for every attempt and redelivery.</summary>
    public const string DeliveryHeader = "X-Mlops-Delivery";

    private const int MaxHeader = 1024;
    private const int MaxSignatures = 8;

    /// <summary>Makes the value of the signature's header.</summary>
    /// <param name="secret">The secret; two joined by a line feed sign twice.</param>
    /// <param name="time">When it is sent.</param>
    /// <param name="body">The bytes of the body.</param>
    /// <returns>The value.</returns>
    public static string Sign(string secret, DateTimeOffset time, ReadOnlySpan<byte> body)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        string seconds = time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        StringBuilder value = new($"t={seconds}");
        foreach (string one in secret.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            value.Append(",v1=").Append(Convert.ToHexStringLower(Mac(one, seconds, body)));
        }

        return value.ToString();
    }

    /// <summary>Checks a delivery on the receiving side, in constant time for signatures of the right length.</summary>
    /// <param name="secret">The secret that the receiver knows.</param>
    /// <param name="header">The value of the signature's header, or null when there is none.</param>
    /// <param name="body">The bytes of the body exactly as received, before anything parsed them.</param>
    /// <param name="now">The receiver's time.</param>
    /// <param name="tolerance">How old a delivery may be, and how far in the future by a differing clock; null for 5 minutes.</param>
    /// <returns>What was found. Trust the body only when it is <see cref="WebhookVerdict.Good"/>, and remember delivery ids for the length of the tolerance.</returns>
    public static WebhookVerdict Verify(string secret, string? header, ReadOnlySpan<byte> body, DateTimeOffset now, TimeSpan? tolerance = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        if (header is null or { Length: > MaxHeader } || !TryRead(header, out string seconds, out List<byte[]> signatures))
        {
            return WebhookVerdict.Unreadable;
        }

        bool fits = false;
        foreach (string one in secret.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            byte[] expected = Mac(one, seconds, body);
            foreach (byte[] signature in signatures)
            {
                fits |= CryptographicOperations.FixedTimeEquals(expected, signature);
            }
        }

        if (!fits)
        {
            return WebhookVerdict.Forged;
        }

        double age = now.ToUnixTimeSeconds() - (double)long.Parse(seconds, CultureInfo.InvariantCulture);
        return Math.Abs(age) <= (tolerance ?? TimeSpan.FromMinutes(5)).TotalSeconds ? WebhookVerdict.Good : WebhookVerdict.OutOfTime;
    }

    private static bool TryRead(string header, out string seconds, out List<byte[]> signatures)
    {
        seconds = string.Empty;
        signatures = [];
        foreach (string part in header.Split(','))
        {
            if (part.StartsWith("t=", StringComparison.Ordinal) && seconds.Length == 0)
            {
                seconds = part[2..];
            }
            else if (part.StartsWith("v1=", StringComparison.Ordinal) && part.Length == 3 + 64 && signatures.Count < MaxSignatures && part.AsSpan(3).IndexOfAnyExceptInRange('0', 'f') < 0)
            {
                try
                {
                    signatures.Add(Convert.FromHexString(part.AsSpan(3)));
                }
                catch (FormatException)
                {
                    return false;
                }
            }
        }

        return signatures.Count > 0 && seconds.Length is > 0 and <= 18 && seconds.All(char.IsAsciiDigit);
    }

    private static byte[] Mac(string secret, string seconds, ReadOnlySpan<byte> body)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        mac.AppendData(Encoding.ASCII.GetBytes(seconds));
        mac.AppendData("."u8);
        mac.AppendData(body);
        return mac.GetHashAndReset();
    }
}
