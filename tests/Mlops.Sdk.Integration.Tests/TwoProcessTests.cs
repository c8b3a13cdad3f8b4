using Mlops.Sdk.Integration.Worker;

namespace Mlops.Sdk.Integration.Tests;

public sealed class TwoProcessTests
{
    [Fact]
    public async Task One_process_promotes_100_times_while_another_predicts_100_000_times_and_no_answer_is_wrong()
    {
        using var folder = new TemporaryFolder();
        string workspace = folder["workspace"];
        await using (MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(workspace))
        {
            Assert.Equal(1, (await mlops.RunAsync(new HousePrices(trees: 20), "first")).Version?.Number);
            Assert.Equal(2, (await mlops.RunAsync(new HousePrices(trees: 60), "second")).Version?.Number);
            await mlops.Registry.MoveAliasAsync("houses", "champion", 1, "to start with");
        }

        await using ProgramUnderTest predicting = ProgramUnderTest.StartAssembly(typeof(HousePrices), folder.Path, workspace, "100000");
        await predicting.LineAsync(line => line == "swap 0 to 1");
        await using (MlopsWorkspace promoting = await MlopsWorkspace.OpenAsync(workspace))
        {
            for (int i = 1; i <= 100; i++)
            {
                AliasMove move = await promoting.Registry.MoveAliasAsync("houses", "champion", 1 + (i % 2), $"promotion {i}");
                await predicting.LineAsync(line => line == $"swap {i} to {move.To}"); // each promotion is a real swap under load
            }
        }

        await predicting.Process.StandardInput.WriteLineAsync("enough");
        Assert.True(await predicting.EndAsync() == 0, predicting.Output + predicting.Errors);
        string[] words = predicting.Output.Split('\n')[^1].Split(' ');
        Assert.True(long.Parse(words[1]) >= 100_000);
        Assert.Equal("0", words[3]);

        await using MlopsWorkspace after = await MlopsWorkspace.OpenAsync(workspace);
        Assert.Equal(100, (await after.Registry.HistoryAsync("houses")).Count(e => e.Kind == LedgerKinds.AliasMoved) - 1);
        Assert.True((await after.Ledger.VerifyAsync()).Ok);
    }
}
