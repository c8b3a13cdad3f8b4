using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

/// <summary>Random work on two registries over one store against a dictionary that does the same.</summary>
public sealed class ModelBasedTests
{
    private static readonly string[] Stages = [VersionStages.Draft, VersionStages.Registered, VersionStages.Validated, VersionStages.Rejected, VersionStages.Approved, VersionStages.Archived, VersionStages.Deployed];
    private static readonly string[] Promotable = [VersionStages.Registered, VersionStages.Validated, VersionStages.Approved];

    private enum Verb
    {
        Register,
        RegisterMore,
        Reject,
        Draft,
        Move,
        MoveMore,
        MoveExpecting,
        Rollback,
        Remove,
        Delete,
        Stage,
        Tag,
        Deprecate,
        Revoke,
        Deploy,
        EndDeployment,
        Reopen,
    }

    private static readonly Gen<Step[]> Work = Gen.Select(
        Gen.Enum<Verb>(),
        Gen.Bool.Select(x => x ? "a" : "b"),
        Gen.Bool.Select(x => x ? "champion" : "challenger"),
        Gen.Int[0, 6],
        Gen.Int[0, 6],
        Gen.Int[0, 1]).Select((verb, model, alias, number, other, registry) => new Step(verb, model, alias, number, other, registry)).Array[1, 60];

    [Fact]
    public async Task Any_sequence_of_work_leaves_what_a_simple_model_says() => await Work.SampleAsync(RunAsync, iter: 400);

    private static async Task RunAsync(Step[] work)
    {
        TestStore store = new();
        TestWorkspace[] both = [await store.OpenAsync(), await store.OpenAsync()];
        Dictionary<string, SimpleModel> models = new() { ["a"] = new SimpleModel(), ["b"] = new SimpleModel() };
        int content = 0;
        foreach (Step step in work)
        {
            if (step.Verb == Verb.Reopen)
            {
                await both[step.Registry].DisposeAsync();
                both[step.Registry] = await store.OpenAsync();
                continue;
            }

            SimpleModel model = models[step.Model];
            string expected = model.Do(step, content);
            string found = await CodeAsync(() => DoAsync(both[step.Registry], step, model, content));
            Assert.True(expected == found, $"{step}: expected {expected}, found {found}");
            content++;
        }

        foreach (TestWorkspace workspace in both)
        {
            foreach ((string name, SimpleModel model) in models)
            {
                await CompareAsync(workspace.Registry, name, model);
            }

            await workspace.DisposeAsync();
        }
    }

    private static async Task DoAsync(TestWorkspace at, Step step, SimpleModel model, int content)
    {
        ModelRegistry registry = at.Registry;
        (string name, string alias, int number) = (step.Model, step.Alias, step.Number);
        switch (step.Verb)
        {
            case Verb.Register or Verb.RegisterMore or Verb.Reject:
                ModelVersion version = await at.RegisterAsync(name, $"{content}", step.Verb == Verb.Reject ? VersionStatus.Rejected : VersionStatus.Validated);
                Assert.Equal(model.Versions.Count, version.Number);
                break;
            case Verb.Draft:
                Assert.Equal(model.Versions.Count, (await registry.RegisterAsync(await at.ManifestAsync(name, $"{content}"), "why", VersionStages.Draft)).Number);
                break;
            case Verb.Move or Verb.MoveMore:
                await registry.MoveAliasAsync(name, alias, number, "why");
                break;
            case Verb.MoveExpecting:
                await registry.MoveAliasAsync(name, alias, number, "why", step.Other);
                break;
            case Verb.Rollback:
                await registry.RollbackAsync(name, alias, "why");
                break;
            case Verb.Remove:
                await registry.RemoveAliasAsync(name, alias, "why");
                break;
            case Verb.Delete:
                await registry.DeleteVersionAsync(name, number, "why");
                break;
            case Verb.Stage:
                await registry.MoveStageAsync(name, number, Stages[step.Other], "why");
                break;
            case Verb.Tag:
                await registry.SetTagAsync(name, number, "k", $"{content}", "why");
                break;
            case Verb.Deprecate:
                await registry.DeprecateVersionAsync(name, number, "why", step.Other == 0 ? null : step.Other);
                break;
            case Verb.Revoke:
                await registry.RevokeDeprecationAsync(name, number, "why");
                break;
            case Verb.Deploy:
                await at.AppendAsync(LedgerKinds.DeploymentStarted, new DeploymentNote(name, number, alias), new LedgerResource("model", name));
                break;
            default:
                await registry.EndDeploymentAsync(name, number, alias, "why");
                break;
        }
    }

    private static async Task CompareAsync(ModelRegistry registry, string name, SimpleModel model)
    {
        IReadOnlyList<ModelVersion> versions = await registry.ListVersionsAsync(name);
        Assert.Equal(
            model.Versions.Select((v, i) => (i + 1, v.Status, v.Deleted, model.Shown(i + 1), v.Tag, v.Deprecated, v.Successor)),
            versions.Select(v => (v.Number, v.Status, v.Deleted, v.Stage, v.Tags.GetValueOrDefault("k"), v.Deprecation is not null, v.Deprecation?.Successor)));
        foreach (string alias in (string[])["champion", "challenger"])
        {
            List<int> past = model.Past(alias);
            Assert.Equal(past.Count == 0 || past[^1] == 0 ? null : past[^1], (await registry.FindAliasAsync(name, alias))?.Number);
            Assert.Equal(past, (await registry.AliasHistoryAsync(name, alias)).Select(m => m.To));
            IEnumerable<LedgerEntry> done = (await registry.HistoryAsync(name)).Where(h => h.Kind == LedgerKinds.AliasMoved && h.Outcome == LedgerOutcome.Done);
            Assert.Equal(past, done.Select(e => LedgerData.Read<AliasNote>(e)).Where(n => n.Alias == alias).Select(n => n.To));
        }

        Assert.Equal(model.Serving.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => (s.Key, s.Value)), (await registry.VersionsInServiceAtAsync(name, TestStore.Start)).Select(d => (d.Host, d.Version)));

        // what may never be: an alias on a version that is deleted or may not be promoted
        foreach (int number in (await registry.FindModelAsync(name))?.Aliases.Values ?? [])
        {
            Assert.True(versions[number - 1] is { Deleted: false, Status: VersionStatus.Validated, Stage: VersionStages.Registered or VersionStages.Validated or VersionStages.Approved or VersionStages.Deployed });
        }
    }

    private static async Task<string> CodeAsync(Func<Task> work)
    {
        try
        {
            await work();
            return "ok";
        }
        catch (MlopsException e)
        {
            return e.Code;
        }
    }

    private sealed record Step(Verb Verb, string Model, string Alias, int Number, int Other, int Registry);

    private sealed class SimpleVersion
    {
        public VersionStatus Status { get; init; }

        public string Stage { get; set; } = VersionStages.Validated;

        public bool Deleted { get; set; }

        public string? Tag { get; set; }

        public bool Deprecated { get; set; }

        public int? Successor { get; set; }
    }

    private sealed class SimpleModel
    {
        private readonly Dictionary<string, List<int>> _moves = [];

        public List<SimpleVersion> Versions { get; } = [];

        public Dictionary<string, int> Serving { get; } = [];

        public List<int> Past(string alias) => _moves.TryGetValue(alias, out List<int>? past) ? past : _moves[alias] = [];

        public string Shown(int number)
        {
            SimpleVersion version = Versions[number - 1];
            return !version.Deleted && Serving.ContainsValue(number) && Promotable.Contains(version.Stage) ? VersionStages.Deployed : version.Stage;
        }

        public string Do(Step step, int content)
        {
            List<int> past = Past(step.Alias);
            int now = past.Count == 0 ? 0 : past[^1];
            SimpleVersion? version = step.Number >= 1 && step.Number <= Versions.Count ? Versions[step.Number - 1] : null;
            switch (step.Verb)
            {
                case Verb.Register or Verb.RegisterMore:
                    Versions.Add(new SimpleVersion());
                    return "ok";
                case Verb.Reject:
                    Versions.Add(new SimpleVersion { Status = VersionStatus.Rejected, Stage = VersionStages.Rejected });
                    return "ok";
                case Verb.Draft:
                    Versions.Add(new SimpleVersion { Stage = VersionStages.Draft });
                    return "ok";
                case Verb.MoveExpecting when step.Other != now:
                    return "registry.alias_moved";
                case Verb.Move or Verb.MoveMore or Verb.MoveExpecting:
                    string may = version is null ? "registry.version_not_found" : WhyNotPromote(version);
                    if (may == "ok" && now != step.Number)
                    {
                        past.Add(step.Number);
                    }

                    return may;
                case Verb.Rollback:
                    int target = past.FindLast(n => n > 0 && n != now && WhyNotPromote(Versions[n - 1]) == "ok");
                    string back = past.Count == 0 ? "registry.alias_not_found" : target == 0 ? "registry.nothing_before" : "ok";
                    if (back == "ok")
                    {
                        past.Add(target);
                    }

                    return back;
                case Verb.Remove:
                    if (now > 0)
                    {
                        past.Add(0);
                    }

                    return past.Count == 0 ? "registry.alias_not_found" : "ok";
                case Verb.Deploy:
                    Serving[step.Alias] = step.Number;
                    return "ok";
            }

            if (version is null)
            {
                return "registry.version_not_found";
            }

            if (step.Verb == Verb.EndDeployment)
            {
                if (Serving.GetValueOrDefault(step.Alias) == step.Number)
                {
                    Serving.Remove(step.Alias);
                }

                return "ok";
            }

            if (version.Deleted)
            {
                return step.Verb == Verb.Delete ? "ok" : "registry.version_deleted";
            }

            bool used = _moves.Values.Any(m => m.Count > 0 && m[^1] == step.Number) || Serving.ContainsValue(step.Number);
            switch (step.Verb)
            {
                case Verb.Delete:
                    version.Deleted = !used;
                    return used ? "registry.version_in_use" : "ok";
                case Verb.Tag:
                    version.Tag = $"{content}";
                    return "ok";
                case Verb.Revoke:
                    (version.Deprecated, version.Successor) = (false, null);
                    return "ok";
                case Verb.Deprecate:
                    return Deprecate(step, version);
                default:
                    return MoveStage(Stages[step.Other], version, used);
            }
        }

        private static string MoveStage(string to, SimpleVersion version, bool used)
        {
            if (version.Stage == to)
            {
                return "ok";
            }

            string[] legal = version.Stage switch
            {
                VersionStages.Draft => [VersionStages.Registered, VersionStages.Archived],
                VersionStages.Registered => [VersionStages.Validated, VersionStages.Rejected, VersionStages.Archived],
                VersionStages.Validated => [VersionStages.Approved, VersionStages.Rejected, VersionStages.Archived],
                VersionStages.Approved => [VersionStages.Validated, VersionStages.Rejected, VersionStages.Archived],
                VersionStages.Rejected => [VersionStages.Archived],
                _ => [VersionStages.Registered],
            };
            string code = !legal.Contains(to) ? "registry.illegal_stage_move"
                : Promotable.Contains(to) && version.Status == VersionStatus.Rejected ? "registry.version_rejected"
                : !Promotable.Contains(to) && used ? "registry.version_in_use" : "ok";
            if (code == "ok")
            {
                version.Stage = to;
            }

            return code;
        }

        private string Deprecate(Step step, SimpleVersion version)
        {
            int? successor = step.Other == 0 ? null : step.Other;
            if (successor > Versions.Count)
            {
                return "registry.version_not_found";
            }

            for (int? next = successor; next is { } n; next = Versions[n - 1].Successor)
            {
                if (n == step.Number)
                {
                    return "registry.invalid_successor";
                }
            }

            if (successor is { } s && (Versions[s - 1].Deleted || Versions[s - 1].Status == VersionStatus.Rejected))
            {
                return "registry.invalid_successor";
            }

            (version.Deprecated, version.Successor) = (true, successor);
            return "ok";
        }

        private static string WhyNotPromote(SimpleVersion version) => version.Deleted ? "registry.version_deleted"
            : version.Status == VersionStatus.Rejected ? "registry.version_rejected"
            : Promotable.Contains(version.Stage) ? "ok" : "registry.stage_not_promotable";
    }
}
