namespace Mlops.Sdk;

/// <content>What lies in the folder and is no object: files of other programs, links, and what is left of writes that never ended.</content>
public sealed partial class FolderObjectStore : IForeignFiles
{
    IEnumerable<ForeignFile> IForeignFiles.FindForeignFiles()
    {
        var folders = new Stack<string>([string.Empty]);
        while (folders.TryPop(out string? folder))
        {
            foreach (FileSystemInfo item in Guarded("list", () => Items(folder)))
            {
                string path = folder + item.Name;
                bool isFolder = item is DirectoryInfo;
                if ((int)item.Attributes == -1)
                {
                    continue; // removed since it was listed: what is not there has every attribute
                }

                if (item.Attributes.HasFlag(FileAttributes.ReparsePoint))
                {
                    yield return new ForeignFile(path, "a symbolic link", false);
                }
                else if (folder.Length == 0 && isFolder && item.Name is Temporary or Locks)
                {
                    foreach (ForeignFile left in item.Name == Temporary ? Leftovers() : [])
                    {
                        yield return left;
                    }
                }
                else if (!ObjectKey.TryParse(path, out _))
                {
                    yield return new ForeignFile(path, isFolder ? "a folder whose name is no part of a key" : "a file whose name is no key", false);
                }
                else if (isFolder)
                {
                    folders.Push(path + "/");
                }
            }
        }
    }

    private FileSystemInfo[] Items(string folder)
    {
        try
        {
            return [.. new DirectoryInfo(PathOf(folder)).EnumerateFileSystemInfos().OrderBy(i => i.Name, StringComparer.Ordinal)];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    /// <summary>Files of writes that ended long ago or never; those of the last hour may belong to a process that is writing now.</summary>
    private IEnumerable<ForeignFile> Leftovers()
    {
        DateTime old = _time.GetUtcNow().UtcDateTime - LeftoverAge;
        foreach ((string below, string what) in new[] { (Temporary, "a file that was being written"), ($"{Temporary}/{Uploads}", "an upload that was not completed") })
        {
            foreach (FileSystemInfo item in Guarded("list", () => Items(below)))
            {
                if (item is FileInfo { Exists: true } && item.LastWriteTimeUtc < old)
                {
                    yield return new ForeignFile($"{below}/{item.Name}", what, true);
                }
            }
        }
    }
}
