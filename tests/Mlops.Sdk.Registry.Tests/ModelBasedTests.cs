using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

/// <summary>Random work on two registries over one store against a dictionary that does the same.</summary>
public sealed class ModelBasedTests
{
    private enum Verb
    {
        Register,
        Reject,
        Move,
        MoveExpecting,
        Rollback,
        Reopen,
    }

    private static readonly Gen<(Verb Verb, string Model, string Alias, int Number, int Expected, int Registry)[]> Work = Gen.Select(
        Gen.Enum<Verb>(),
        Gen.Bool.Select(x => x ? "a" : "b"),
        Gen.Bool.Select(x => x ? "champion" : "challenger"),
        Gen.Int[0, 6],
        Gen.Int[0, 6],
        Gen.Int[0, 1]).Array[1, 40];

    [Fact]
    public async Task Any_sequence_of_work_leaves_what_a_simple_model_says() => await Work.SampleAsync(RunAsync, iter: 300);

    private static async Task RunAsync((Verb Verb, string Model, string Alias, int Number, int Expected, int Registry)[] work)
    {
        TestStore store = new();
        TestWorkspace[] both = [await store.OpenAsync(), await store.OpenAsync()];
        Dictionary<string, List<VersionStatus>> versions = new() { ["a"] = [], ["b"] = [] };
        Dictionary<(string, string), List<int>> moves = [];
        int content = 0;
        foreach ((Verb verb, string model, string alias, int number, int expected, int which) in work)
        {
            TestWorkspace at = both[which];
            List<int> past = moves.TryGetValue((model, alias), out List<int>? list) ? list : moves[(model, alias)] = [];
            switch (verb)
            {
                case Verb.Register or Verb.Reject:
                    VersionStatus status = verb == Verb.Register ? VersionStatus.Validated : VersionStatus.Rejected;
                    versions[model].Add(status);
                    Assert.Equal(versions[model].Count, (await at.RegisterAsync(model, $"{content++}", status)).Number);
                    break;
                case Verb.Move or Verb.MoveExpecting:
                    int? expects = verb == Verb.Move ? null : expected;
                    string want = expects is { } e && e != (past.Count == 0 ? 0 : past[^1]) ? "registry.alias_moved"
                        : number < 1 || number > versions[model].Count ? "registry.version_not_found"
                        : versions[model][number - 1] == VersionStatus.Rejected ? "registry.version_rejected" : "ok";
                    Assert.Equal(want, await CodeAsync(() => at.Registry.MoveAliasAsync(model, alias, number, "why", expects)));
                    if (want == "ok" && (past.Count == 0 || past[^1] != number))
                    {
                        past.Add(number);
                    }

                    break;
                case Verb.Rollback:
                    string rolled = past.Count switch { 0 => "registry.alias_not_found", 1 => "registry.nothing_before", _ => "ok" };
                    Assert.Equal(rolled, await CodeAsync(() => at.Registry.RollbackAsync(model, alias, "why")));
                    if (rolled == "ok")
                    {
                        past.Add(past[^2]);
                    }

                    break;
                default:
                    await both[which].DisposeAsync();
                    both[which] = await store.OpenAsync();
                    break;
            }
        }

        foreach (TestWorkspace workspace in both)
        {
            foreach ((string model, List<VersionStatus> statuses) in versions)
            {
                Assert.Equal(statuses, (await workspace.Registry.ListVersionsAsync(model)).Select(v => v.Status));
            }

            foreach (((string model, string alias), List<int> past) in moves)
            {
                Assert.Equal(past.Count == 0 ? null : past[^1], (await workspace.Registry.FindAliasAsync(model, alias))?.Number);
                IEnumerable<LedgerEntry> done = (await workspace.Registry.HistoryAsync(model)).Where(h => h.Kind == LedgerKinds.AliasMoved && h.Outcome == LedgerOutcome.Done);
                Assert.Equal(past, done.Select(LedgerNote).Where(n => n.Alias == alias).Select(n => n.To));
            }

            await workspace.DisposeAsync();
        }
    }

    private static AliasNote LedgerNote(LedgerEntry entry) => LedgerData.Read<AliasNote>(entry);

    private static async Task<string> CodeAsync(Func<ValueTask<AliasMove>> move)
    {
        try
        {
            await move();
            return "ok";
        }
        catch (MlopsException e)
        {
            return e.Code;
        }
    }
}
