using System.Text.Json;

namespace Mlops.Sdk.Core.Tests;

public sealed class LedgerDataTests
{
    [Fact]
    public void Each_record_reads_back_as_it_was()
    {
        RoundTrip(new RunStart("r", "e", "manual", "why") { Hypothesis = "h", Parameters = new Dictionary<string, string> { ["a"] = "1" } });
        RoundTrip(new RunEnd("r", RunStatus.Failed, "m") { Steps = [new StepRecord("s", "ok", 1.5, 1, null)] });
        RoundTrip(new VersionNote("m", 1, Digest.Of([1]), VersionStatus.Rejected, [new ModelFile("f", Digest.Of([2]), 3)]) { RunId = "r", Parent = 1, Metrics = new Dictionary<string, MetricValue> { ["auc"] = new(0.5, null, 1) } });
        RoundTrip(new AliasNote("m", "a", null, 1, Digest.Of([1])));
        RoundTrip(new AliasNote("m", "a", 1, 2, Digest.Of([2]), "code"));
        RoundTrip(new ApprovalNote("m", 1, Digest.Of([1])));
        RoundTrip(new DeploymentNote("m", 1, "h"));
        RoundTrip(new AlertNote("a", "m", null, "drift", "t", new Dictionary<string, double> { ["psi"] = 0.3 }));
    }

    [Fact]
    public void Unknown_fields_are_ignored_and_missing_ones_are_not()
    {
        Assert.True(LedgerData.TryRead(Json("""{"model":"m","version":1,"host":"h","later":{"x":[1]}}"""), out DeploymentNote? note));
        Assert.Equal(new DeploymentNote("m", 1, "h"), note);
        foreach (string bad in (string[])["{}", "[]", "null", "7", """{"model":"m","version":1}""", """{"model":null,"version":1,"host":"h"}""", """{"model":"m","version":"x","host":"h"}"""])
        {
            Assert.False(LedgerData.TryRead<DeploymentNote>(Json(bad), out _), bad);
        }
    }

    [Fact]
    public void A_newer_format_is_refused_with_both_and_bad_data_names_the_entry()
    {
        LedgerEntry entry = new()
        {
            Number = 7, Commit = 7, Id = "i", Kind = "deployment.started", Format = 3, Resource = new LedgerResource("model", "m"), Outcome = LedgerOutcome.Done,
            Actor = Actor.System, Reason = "r", Time = DateTimeOffset.UnixEpoch, Source = "s", Data = Json("{}"),
        };
        MlopsIntegrityException newer = Assert.Throws<MlopsIntegrityException>(() => LedgerData.Read<DeploymentNote>(entry, newest: 2));
        Assert.Equal("ledger.newer_format", newer.Code);
        Assert.Contains("format 3", newer.Message, StringComparison.Ordinal);
        Assert.Contains("up to 2", newer.Message, StringComparison.Ordinal);
        MlopsIntegrityException bad = Assert.Throws<MlopsIntegrityException>(() => LedgerData.Read<DeploymentNote>(entry, newest: 3));
        Assert.Equal("ledger.unreadable_data", bad.Code);
        Assert.Contains("entry 7", bad.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_type_that_is_no_ledger_data_is_refused() => Assert.Throws<NotSupportedException>(() => LedgerData.Of(new LedgerResource("a", "b")));

    private static void RoundTrip<T>(T note)
        where T : notnull
    {
        JsonElement data = LedgerData.Of(note);
        Assert.True(LedgerData.TryRead(data, out T? read));
        Assert.Equivalent(note, read, strict: true);
        Assert.Equal(data.GetRawText(), LedgerData.Of(read).GetRawText());
    }

    private static JsonElement Json(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
