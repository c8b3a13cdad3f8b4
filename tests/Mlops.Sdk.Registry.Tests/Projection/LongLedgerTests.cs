using System.Text.Json;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

/// <summary>A ledger long enough to be folded and to have its views saved beside it.</summary>
public sealed class LongLedgerTests
{
    [Fact]
    public async Task Every_opening_of_a_long_ledger_reads_what_was_there_and_goes_on_from_it()
    {
        TestStore store = new();
        for (int opening = 0; opening < 4; opening++)
        {
            await using TestWorkspace workspace = await store.OpenAsync();
            await WorkAsync(workspace, opening);
            string whole = await ShowAsync(workspace.Registry);
            await using TestWorkspace other = await store.OpenAsync();
            Assert.Equal(whole, await ShowAsync(other.Registry));
            Assert.Equal(opening + 1, (await other.Registry.FindAliasAsync("m0", "champion"))!.Number);
            Assert.Equal(opening + 1, (await other.Registry.HistoryAsync("m0")).Count(e => e.Kind == LedgerKinds.VersionRegistered));
        }
    }

    private static async Task WorkAsync(TestWorkspace workspace, int opening)
    {
        ModelRegistry registry = workspace.Registry;
        for (int model = 0; model < 5; model++)
        {
            ModelVersion version = await registry.RegisterAsync(await workspace.ManifestAsync($"m{model}"), $"opening {opening}");
            await registry.MoveAliasAsync($"m{model}", "champion", version.Number, "newest");
            await registry.SetTagAsync($"m{model}", version.Number, "opening", $"{opening}", "why");
        }

        LedgerDraft[] runs = new LedgerDraft[20];
        for (int commit = 0; commit < 250; commit++)
        {
            for (int i = 0; i < runs.Length; i++)
            {
                string id = $"run-{opening}-{commit}-{i}";
                runs[i] = new LedgerDraft(LedgerKinds.RunStarted, new LedgerResource("run", id), "why", LedgerData.Of(new RunStart(id, $"e{i % 3}", "manual", "why")));
            }

            await workspace.Ledger.AppendAsync(runs);
        }
    }

    private static async Task<string> ShowAsync(ModelRegistry registry)
    {
        List<object> all = [.. await registry.ListModelsAsync()];
        for (int model = 0; model < 5; model++)
        {
            all.Add(await registry.ListVersionsAsync($"m{model}"));
            all.Add(await registry.AliasHistoryAsync($"m{model}", "champion"));
        }

        for (int experiment = 0; experiment < 3; experiment++)
        {
            all.Add(await registry.ListRunsAsync($"e{experiment}"));
        }

        return JsonSerializer.Serialize(all);
    }
}
