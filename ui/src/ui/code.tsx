import { Button, Code, CopyButton, Popover, ScrollArea, Tabs } from '@mantine/core'

/** How to get by code what the page shows. */
export function AsCode({ samples }: { samples: { [language: string]: string } }) {
  const languages = Object.keys(samples)
  return (
    <Popover width={560} position="bottom-end" shadow="md">
      <Popover.Target><Button size="xs" variant="default">Code</Button></Popover.Target>
      <Popover.Dropdown>
        <Tabs defaultValue={languages[0] ?? ''}>
          <Tabs.List>{languages.map((language) => <Tabs.Tab key={language} value={language}>{language}</Tabs.Tab>)}</Tabs.List>
          {languages.map((language) => (
            <Tabs.Panel key={language} value={language} pt="xs">
              <ScrollArea><Code block>{samples[language]}</Code></ScrollArea>
              <CopyButton value={samples[language] ?? ''}>{({ copied, copy }) => <Button mt="xs" size="compact-xs" variant="light" onClick={copy}>{copied ? 'Copied' : 'Copy'}</Button>}</CopyButton>
            </Tabs.Panel>))}
        </Tabs>
      </Popover.Dropdown>
    </Popover>
  )
}
