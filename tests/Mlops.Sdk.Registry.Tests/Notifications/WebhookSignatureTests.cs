using System.Text;

namespace Mlops.Sdk.Registry.Tests.Notifications;

public sealed class WebhookSignatureTests
{
    private const string Secret = "a secret of some length";
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_767_268_800);
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"model":"taxi-fare"}""");

    [Fact]
    public void The_signature_is_what_another_implementation_computes() => Assert.Equal(
        "t=1767268800,v1=57d370e5d100f888a7c331a4e2890447e21519a72c1e568fe923206a213b1538", // Python: hmac.new(secret, b"1767268800." + body, sha256)
        WebhookSignature.Sign(Secret, Now, Body));

    [Fact]
    public void What_was_signed_a_short_while_ago_is_good_and_anything_else_is_not()
    {
        string header = WebhookSignature.Sign(Secret, Now, Body);
        Assert.Equal(WebhookVerdict.Good, WebhookSignature.Verify(Secret, header, Body, Now.AddMinutes(4)));
        Assert.Equal(WebhookVerdict.Good, WebhookSignature.Verify(Secret, header, Body, Now.AddMinutes(-4)));
        Assert.Equal(WebhookVerdict.OutOfTime, WebhookSignature.Verify(Secret, header, Body, Now.AddMinutes(6)));
        Assert.Equal(WebhookVerdict.OutOfTime, WebhookSignature.Verify(Secret, header, Body, Now.AddSeconds(11), TimeSpan.FromSeconds(10)));
        Assert.Equal(WebhookVerdict.Forged, WebhookSignature.Verify("another secret of length", header, Body, Now));
        Assert.Equal(WebhookVerdict.Forged, WebhookSignature.Verify(Secret, header.Replace("t=1767268800", "t=1767268801", StringComparison.Ordinal), Body, Now));
    }

    [Fact]
    public void Any_flipped_bit_of_the_body_is_found() => Gen.Select(Gen.Byte.Array[1, 200], Gen.Int[0, 1_599]).Sample((body, bit) =>
    {
        string header = WebhookSignature.Sign(Secret, Now, body);
        byte[] other = [.. body];
        other[bit / 8 % body.Length] ^= (byte)(1 << (bit % 8));
        return WebhookSignature.Verify(Secret, header, body, Now) == WebhookVerdict.Good && WebhookSignature.Verify(Secret, header, other, Now) == WebhookVerdict.Forged;
    });

    [Fact]
    public void While_a_secret_is_changed_both_receivers_are_content()
    {
        string header = WebhookSignature.Sign("the new secret of length\n" + Secret, Now, Body);
        Assert.Equal(WebhookVerdict.Good, WebhookSignature.Verify(Secret, header, Body, Now));
        Assert.Equal(WebhookVerdict.Good, WebhookSignature.Verify("the new secret of length", header, Body, Now));
        Assert.Equal(WebhookVerdict.Forged, WebhookSignature.Verify("none of the two is this", header, Body, Now));
    }

    [Fact]
    public void A_header_from_anywhere_is_answered_and_never_good() => Gen.Frequency(
            (3, Gen.String[Gen.Char["tv1=,0123456789abcdef -+\n"], 0, 120]),
            (1, Gen.Select(Gen.Int, Gen.String[Gen.Char["0123456789abcdefg"], 60, 66], (t, v) => $"t={t},v1={v}")),
            (1, Gen.String),
            (1, Gen.Const(new string('t', 5_000))))
        .Sample(header => WebhookSignature.Verify(Secret, header, Body, Now) != WebhookVerdict.Good);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("t=1767268800")]
    [InlineData("v1=00")]
    [InlineData("t=99999999999999999999,v1=0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("t=-5,v1=0000000000000000000000000000000000000000000000000000000000000000")]
    public void A_header_that_is_none_is_unreadable(string? header) => Assert.Equal(WebhookVerdict.Unreadable, WebhookSignature.Verify(Secret, header, Body, Now));
}
