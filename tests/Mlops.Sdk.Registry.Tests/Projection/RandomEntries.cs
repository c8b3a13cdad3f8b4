using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

/// <summary>Random ledgers: mostly what a registry writes, and now and then what none would.</summary>
internal static class RandomEntries
{
    private static readonly string[] Models = ["a", "b", "long-name"];
    private static readonly Actor[] Actors = [new("ada"), new("bob", ActorKind.Service, "bearer", "ada"), Actor.System];

    /// <summary>Makes entries from numbers; the same numbers make the same entries.</summary>
    internal static Gen<LedgerEntry[]> Ledger(int most) => Gen.Select(Gen.Int[0, 15], Gen.Int[0, 2], Gen.Int[0, 7], Gen.Int[0, 7], Gen.Int[0, 39]).Array[0, most].Select(Of);

    /// <summary>Makes one ledger that is always the same.</summary>
    internal static LedgerEntry[] Fixed(int length)
    {
        Random random = new(7);
        return Of([.. Enumerable.Range(0, length).Select(_ => (random.Next(16), random.Next(3), random.Next(8), random.Next(8), 4 + random.Next(36)))]);
    }

    private static LedgerEntry[] Of((int, int, int, int, int)[] steps)
    {
        List<LedgerEntry> all = [];
        Dictionary<string, int> versions = [];
        Dictionary<(string, int), string> stages = [];
        foreach ((int what, int model, int one, int two, int odd) in steps)
        {
            all.Add(Next(all.Count, what, Models[model], one, two, odd, versions, stages));
        }

        return [.. all];
    }

    private static LedgerEntry Next(int number, int what, string model, int one, int two, int odd, Dictionary<string, int> versions, Dictionary<(string, int), string> stages)
    {
        int last = versions.GetValueOrDefault(model);
        int version = last == 0 ? 1 : 1 + (one % last);
        Digest digest = Digest.Of([(byte)one, (byte)two]);
        string run = $"run-{one}{two % 3}";
        switch (what)
        {
            case 0:
                return Entry(number, LedgerKinds.RunStarted, new LedgerResource("run", run), new RunStart(run, model, "manual", $"reason {two}"), odd);
            case 1:
                return Entry(number, LedgerKinds.RunEnded, new LedgerResource("run", run), new RunEnd(run, (RunStatus)(two % 5), $"message {one}"), odd);
            case 2 or 3 or 4:
                versions[model] = odd == 0 ? last : last + 1;
                VersionStatus status = one == 0 ? VersionStatus.Rejected : VersionStatus.Validated;
                stages[(model, last + 1)] = status == VersionStatus.Rejected ? VersionStages.Rejected : VersionStages.Validated;
                return Entry(number, LedgerKinds.VersionRegistered, new LedgerResource("model", model, last + 1), new VersionNote(model, last + 1, digest, status, [])
                {
                    RunId = two % 2 == 0 ? run : null,
                    Parent = two % 3 == 0 ? last : null,
                    Metrics = new Dictionary<string, MetricValue> { ["z"] = new(one), ["auc"] = new(0.5, 0.25, two / 8.0) },
                }, odd);
            case 5 or 6 or 7:
                return Entry(number, LedgerKinds.AliasMoved, new LedgerResource("model", model), new AliasNote(model, two % 2 == 0 ? "champion" : "next", null, one == 7 ? 0 : version, digest), odd);
            case 8:
                return Entry(number, LedgerKinds.ModelDescribed, new LedgerResource("model", model), new DescriptionNote(model, one % 3 == 0 ? null : $"text {one}", two % 3 == 0 ? null : two % 2 == 0 ? string.Empty : "ann"), odd);
            case 9 or 10:
                return Entry(number, LedgerKinds.TagSet, new LedgerResource("model", model), new TagNote(model, two % 2 == 0 ? null : version, $"k{one}", two == 5 ? null : $"v{two}"), odd);
            case 11:
                string to = two % 2 == 0 ? VersionStages.Approved : VersionStages.Archived;
                string from = stages.GetValueOrDefault((model, version), "none");
                stages[(model, version)] = to;
                return Entry(number, LedgerKinds.StageMoved, new LedgerResource("model", model, version), new StageNote(model, version, from, to), 9);
            case 12:
                return Entry(number, LedgerKinds.VersionDeprecated, new LedgerResource("model", model, version), new DeprecationNote(model, version, two == 0 ? null : 1 + (two % Math.Max(last, 1)), one == 6), odd);
            case 13:
                return Entry(number, LedgerKinds.VersionDeleted, new LedgerResource("model", model, version), new TombstoneNote(model, version, digest), odd);
            case 14:
                return Entry(number, LedgerKinds.DeploymentStarted, new LedgerResource("model", model, version), new DeploymentNote(model, version, $"host-{two % 3}"), odd);
            default:
                return Entry(number, LedgerKinds.DeploymentEnded, new LedgerResource("model", model, version), new DeploymentNote(model, version, $"host-{two % 3}"), odd);
        }
    }

    /// <summary>Makes one entry; an odd one is denied, or of a newer format.</summary>
    internal static LedgerEntry Entry<T>(int number, string kind, LedgerResource resource, T data, int odd = 9) => new()
    {
        Number = number,
        Commit = number,
        Id = $"{number}",
        Kind = kind,
        Format = odd == 1 ? 2 : 1,
        Resource = resource,
        Outcome = odd is 2 or 3 ? LedgerOutcome.Denied : LedgerOutcome.Done,
        Actor = Actors[number % 3],
        Reason = $"reason {number % 7}",
        Time = TestStore.Start.AddSeconds(number % 11 == 0 ? -number : number),
        Source = "s",
        Data = LedgerData.Of(data),
    };
}
