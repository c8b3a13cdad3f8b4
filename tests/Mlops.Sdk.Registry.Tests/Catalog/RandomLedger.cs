using System.Buffers;
using System.Text.Json;

namespace Mlops.Sdk.Registry.Tests.Catalog;

/// <summary>Ledger entries made by hand and by chance, for views that are folded without a ledger.</summary>
internal static class RandomLedger
{
    internal static readonly DateTimeOffset Start = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly string[] Models = ["fraud-eu", "fraud-us", "taxi.fare"];
    private static readonly string[] Texts = ["Fraud in payments", "fares of taxis", "Ärger über Brücken", "eu only", "payments of taxis in the EU", string.Empty];
    private static readonly string[] People = ["ann", "bob", "cleo"];
    private static readonly string[] Keys = ["eu", "region", "a b"];

    /// <summary>Sequences of entries that mostly keep the rules and sometimes break them.</summary>
    internal static Gen<LedgerEntry[]> Entries(int most = 60) => Gen.Select(Gen.Int[0, 21], Gen.Int[0, 2], Gen.Int[0, 5], Gen.Int[0, 5], Gen.Int[0, 2]).Array[0, most].Select(steps =>
    {
        int[] versions = new int[2 * Models.Length]; // and the last request for access
        return steps.Select((s, i) => Step(i, s.Item1, s.Item2, s.Item3, s.Item4, s.Item5, versions)).ToArray();
    });

    internal static LedgerEntry Of<T>(long number, string kind, LedgerResource resource, T note, string by = "ann", int format = 1, LedgerOutcome outcome = LedgerOutcome.Done) =>
        Raw(number, kind, resource, LedgerData.Of(note), by, format, outcome);

    internal static LedgerEntry Raw(long number, string kind, LedgerResource resource, JsonElement data, string by = "ann", int format = 1, LedgerOutcome outcome = LedgerOutcome.Done) => new()
    {
        Number = number,
        Commit = number,
        Id = $"e{number}",
        Kind = kind,
        Format = format,
        Resource = resource,
        Outcome = outcome,
        Actor = new Actor(by),
        Reason = $"reason {number} of {by}",
        Time = Start.AddHours(number),
        Source = "test",
        Data = data,
    };

    internal static byte[] Save(ISnapshotProjection projection)
    {
        ArrayBufferWriter<byte> bytes = new();
        projection.SaveSnapshot(bytes);
        return bytes.WrittenSpan.ToArray();
    }

    internal static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    internal static Digest DigestOf(long number) => Digest.Of(BitConverter.GetBytes(number));

    private static LedgerEntry Step(long number, int verb, int m, int a, int b, int c, int[] versions)
    {
        string model = Models[m];
        int version = versions[m] == 0 ? 1 : 1 + (a % versions[m]);
        LedgerResource resource = new("model", model, version);
        string by = People[c];
        switch (verb)
        {
            case 0 or 1 or 2 or 3:
                int registered = b == 5 ? versions[m] + 2 : ++versions[m];
                return Of(number, LedgerKinds.VersionRegistered, resource, new VersionNote(model, registered, DigestOf(number), a == 0 ? VersionStatus.Rejected : VersionStatus.Validated, [])
                {
                    RunId = b % 2 == 0 ? $"run-{a}" : null,
                    Parent = registered > 1 ? registered - 1 : null,
                    Task = a == 4 ? null : (ModelTask)(a % 3),
                    Algorithm = a % 2 == 0 ? "lightgbm" : "FastTree",
                    ModelFormat = "mlnet",
                    Metrics = new Dictionary<string, MetricValue> { ["auc"] = new(a / 5.0, b / 9.0), ["rmse"] = new(b) },
                    Dataset = c == 0 ? null : new DatasetInfo($"source-{c}", DigestOf(b), a * 100, 1) { From = "2026-01-01" },
                }, by);
            case 4:
                return Of(number, LedgerKinds.AliasMoved, resource, new AliasNote(model, c == 0 ? "champion" : "challenger", null, b == 5 ? 0 : version, default), by);
            case 5:
                return Of(number, LedgerKinds.ModelDescribed, resource, new DescriptionNote(model, b == 0 ? null : Texts[a], c == 0 ? null : by), by);
            case 6:
                return Of(number, LedgerKinds.TagSet, resource, new TagNote(model, b % 2 == 0 ? null : version, Keys[c], a == 0 ? null : Texts[a]), by);
            case 7:
                return Of(number, LedgerKinds.StageMoved, resource, new StageNote(model, version, "validated", a % 2 == 0 ? "archived" : "Approved"), by);
            case 8:
                return Of(number, LedgerKinds.VersionDeprecated, resource, new DeprecationNote(model, version, a, Revoked: b == 0), by);
            case 9:
                return Of(number, LedgerKinds.VersionDeleted, resource, new TombstoneNote(model, version, default), by, outcome: c == 0 ? LedgerOutcome.Denied : LedgerOutcome.Done);
            case 10:
                return Of(number, LedgerKinds.CardEdited, resource, new CardNote(model, b % 2 == 0 ? null : version, c == 0 ? "limitations" : "Bad Name", Texts[a]), by);
            case 11:
                return Of(number, LedgerKinds.ApprovalGiven, resource, new ApprovalNote(model, version, DigestOf(a)), by);
            case 12:
                return Of(number, LedgerKinds.DeploymentStarted, resource, new DeploymentNote(model, version, $"web-{b % 2}"), by);
            case 13:
                return Of(number, LedgerKinds.DeploymentEnded, resource, new DeploymentNote(model, version, $"web-{b % 2}"), by);
            case 14:
                return Of(number, LedgerKinds.AlertRaised, resource, new AlertNote($"alert-{a}", model, version, b % 2 == 0 ? "drift" : "quality", "moved", new Dictionary<string, double>()), by);
            case 15:
                return Raw(number, a % 2 == 0 ? "monitor.alert_closed" : a == 1 ? "monitor.window_closed" : "model.signed", resource, JsonDocument.Parse($$"""{"alertId":"alert-{{b}}","model":"{{model}}","version":{{version}}}""").RootElement, by);
            case 16:
                return Of(number, LedgerKinds.RunStarted, new LedgerResource("run", $"run-{a}"), new RunStart($"run-{a}", "exp", b == 0 ? "drift:alert-1" : "manual", "try"), by);
            case 18:
                versions[Models.Length + m] = (int)number;
                return Of(number, LedgerKinds.AccessRequested, resource, new AccessRequestNote(model), by, outcome: b == 5 ? LedgerOutcome.Denied : LedgerOutcome.Done);
            case 19:
                return Of(number, LedgerKinds.AccessAnswered, resource, new AccessAnswerNote(model, $"e{(b == 5 ? a : versions[Models.Length + (b == 4 ? 0 : m)])}", a % 2 == 0), by);
            case 20 or 21:
                return Of(number, LedgerKinds.ModelRated, resource, new RatingNote(model, a), c == 2 ? "ANN" : by);
            default:
                return b == 0
                    ? Of(number, LedgerKinds.AliasMoved, resource, new AliasNote(model, "champion", null, version, default), by, format: 7)
                    : b < 3
                        ? Of(number, LedgerKinds.Linked, resource, new LinkNote(new LinkEnd("feature", $"f{a}"), new LinkEnd(c == 0 ? "feature" : "version", c == 0 ? $"f{b}" : $"{model}/{version}"), "used"), by)
                        : Of(number, LedgerKinds.RunDataUsed, new LedgerResource("run", $"run-{a}"), new DataUseNote($"run-{a}", $"data-{b}", DigestOf(b), $"source-{c}", "training"), by);
        }
    }
}
