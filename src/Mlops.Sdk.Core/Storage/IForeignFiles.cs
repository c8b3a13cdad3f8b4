namespace Mlops.Sdk;

/// <summary>A store whose medium may hold what a listing of objects does not show.</summary>
internal interface IForeignFiles
{
    /// <summary>Finds what is in the store's place and is no object of it.</summary>
    IEnumerable<ForeignFile> FindForeignFiles();
}

/// <summary>Something that is no object.</summary>
/// <param name="Path">Its path below the store's folder, with '/' between the parts.</param>
/// <param name="What">What it is.</param>
/// <param name="IsOwn">Whether the store itself made it: a file being written, or what is left of one.</param>
internal readonly record struct ForeignFile(string Path, string What, bool IsOwn);
