using System.Globalization;
using Mlops.Sdk;
using Mlops.Sdk.Azure;

/// <summary>Counts with an alias: it names version n, and an increment moves it to n + 1 if it names n still. Says "moved TO" for each increment.</summary>
internal static class AliasCounter
{
    internal static async Task RunAsync(string container, string model, int tasks, int each)
    {
        string connection = Environment.GetEnvironmentVariable("MLOPS_TEST_BLOBS")!;
        MlopsWorkspace[] workspaces = await Task.WhenAll(Enumerable.Range(0, tasks).Select(_ => MlopsWorkspace.OpenAsync(new AzureBlobObjectStore(connection, container))));
        Console.WriteLine("ready");
        await Task.Run(Console.ReadLine); // all processes begin at once
        await Task.WhenAll(workspaces.Select((workspace, task) => Task.Run(() => CountAsync(workspace, model, task, each))));
        foreach (MlopsWorkspace workspace in workspaces)
        {
            await workspace.DisposeAsync();
        }
    }

    private static async Task CountAsync(MlopsWorkspace workspace, string model, int task, int each)
    {
        for (int i = 0; i < each;)
        {
            int now = (await workspace.Registry.FindAliasAsync(model, MlopsWorkspace.Champion))?.Number ?? 0;
            try
            {
                AliasMove move = await workspace.Registry.MoveAliasAsync(model, MlopsWorkspace.Champion, now + 1, $"{Environment.ProcessId}-{task}-{i}", expected: now);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"moved {move.To}"));
                i++;
            }
            catch (MlopsConflictException moved) when (moved.Code == "registry.alias_moved")
            {
                // somebody was first: look again
            }
        }
    }
}
