using System.IO.Enumeration;
using System.Runtime.CompilerServices;

namespace Mlops.Sdk;

/// <content>Listing: one folder at a time, in order, so that the first objects come before the last folder is read.</content>
public sealed partial class FolderObjectStore
{
    private static readonly EnumerationOptions OneFolder = new() { AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false, RecurseSubdirectories = false };

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        ObjectKey.CheckPrefix(prefix);
        cancellationToken.ThrowIfCancellationRequested();
        string start = prefix[..(prefix.LastIndexOf('/') + 1)];
        RefuseLinks(new FileInfo(PathOf(start)), prefix);

        // a stack of folders that are read and not yet told to the end, deepest last
        var open = new Stack<(string Folder, string[] Names, int Next)>();
        open.Push((start, NamesIn(start, prefix, after), 0));
        while (open.TryPop(out (string Folder, string[] Names, int Next) level))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (level.Next == level.Names.Length)
            {
                continue;
            }

            open.Push(level with { Next = level.Next + 1 });
            string text = level.Folder + level.Names[level.Next];
            if (text[^1] == '/')
            {
                open.Push((text, NamesIn(text, prefix, after), 0));
            }
            else if (ObjectKey.TryParse(text, out ObjectKey key) && Guarded("list", () => InfoOf(key, new FileInfo(PathOf(text)))) is { } info)
            {
                yield return info;
            }
        }
    }

    private string PathOf(string keyText) => Path.Combine(_root, keyText.Replace('/', Path.DirectorySeparatorChar).TrimEnd(Path.DirectorySeparatorChar));

    /// <summary>Reads the names in a folder that can lead to a key asked for, folders with a slash at the end: sorted so, they give the keys below them in order.</summary>
    private string[] NamesIn(string folder, string prefix, string? after) => Guarded("list", () =>
    {
        try
        {
            var found = new FileSystemEnumerable<string>(
                PathOf(folder),
                (ref FileSystemEntry entry) => entry.IsDirectory ? $"{entry.FileName}/" : entry.FileName.ToString(),
                OneFolder)
            {
                ShouldIncludePredicate = (ref FileSystemEntry entry) => entry.FileName[0] != '.', // no name of ours starts so, and our own folders do
            };
            string[] names = [.. found.Where(n => Leads(folder + n, prefix, after))];
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    });

    private static bool Leads(string text, string prefix, string? after)
    {
        bool isFolder = text[^1] == '/';
        bool fits = text.StartsWith(prefix, StringComparison.Ordinal) || (isFolder && prefix.StartsWith(text, StringComparison.Ordinal));
        bool comes = after is null || string.CompareOrdinal(text, after) > 0 || (isFolder && after.StartsWith(text, StringComparison.Ordinal));
        return fits && comes && (!isFolder || ObjectKey.TryParse(text[..^1], out _));
    }
}
