using System.Diagnostics;
using System.Globalization;

namespace Mlops.Sdk;

/// <summary>Makes one call after another on a folder and says "ok" and what it found, or the code of the error.</summary>
internal static class StoreTrials
{
    internal static async Task RunAsync(string folder, string[] calls)
    {
        FolderObjectStore? store = null;
        foreach (string call in calls)
        {
            string answer;
            try
            {
                store ??= new FolderObjectStore(folder);
                answer = "ok " + await CallAsync(store, folder, call.Split(':'));
            }
            catch (MlopsException error)
            {
                answer = error.Code;
            }

            Console.Out.WriteLine(answer);
        }
    }

    private static async Task<string> CallAsync(FolderObjectStore store, string folder, string[] call)
    {
        switch (call)
        {
            case ["open"]:
                return string.Empty;
            case ["put", var key, var length]:
                using (var content = new MemoryStream(new byte[int.Parse(length, CultureInfo.InvariantCulture)]))
                {
                    return (await store.PutAsync(ObjectKey.Parse(key), content)).Written.ToString();
                }

            case ["artifact", var length]:
                using (var content = new MemoryStream(new byte[int.Parse(length, CultureInfo.InvariantCulture)]))
                {
                    return (await new ArtifactStore(store).WriteAsync(content)).Length.ToString(CultureInfo.InvariantCulture);
                }

            case ["length", var key]:
                return (await store.HeadAsync(ObjectKey.Parse(key)))?.Length.ToString(CultureInfo.InvariantCulture) ?? "absent";
            case ["touch", var key]:
                return (await store.TouchAsync(ObjectKey.Parse(key))).ToString();
            case ["delete", var key]:
                return (await store.DeleteAsync(ObjectKey.Parse(key))).ToString();
            case ["read-only"]:
                using (Process mount = Process.Start("mount", ["-o", "remount,ro", folder]))
                {
                    await mount.WaitForExitAsync();
                    return mount.ExitCode.ToString(CultureInfo.InvariantCulture);
                }

            case ["list"]:
                return string.Join(' ', await store.ListAsync(string.Empty).Select(o => o.Key.Value).ToArrayAsync());
            default:
                throw new ArgumentException($"There is no call '{string.Join(':', call)}'.", nameof(call));
        }
    }
}
