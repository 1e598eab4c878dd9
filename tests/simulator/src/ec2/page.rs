//! DescribeImages' pages: sizes, tokens, and empty pages that have a token. The pages of a list show the AMIs that it had at
//! the beginning, so that no other AMI that comes or goes meanwhile moves one to a page that was already shown.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use crate::request::Parameters;
use crate::service::ServiceError;
use crate::world::{Answers, Image};

/// Lists that have further pages, by number: the AMI ids in their order. The one that was read last is the last.
#[derive(Debug, Default)]
pub struct Lists(VecDeque<(u64, Arc<[String]>)>);

/// Beyond so many lists, those that nobody has read for longest are forgotten. Their tokens are invalid.
const MOST_LISTS: usize = 1000;

impl Lists {
    fn order(&self, list: u64) -> Option<Arc<[String]>> {
        self.0.iter().find(|(number, _)| *number == list).map(|(_, order)| order.clone())
    }

    pub fn keep(&mut self, list: u64, order: Arc<[String]>) {
        self.0.retain(|(number, _)| *number != list);
        self.0.push_back((list, order));
        if self.0.len() > MOST_LISTS {
            self.0.pop_front();
        }
    }
}

/// The requested page. The token carries its start, whether the page is empty, and the number of the list.
#[derive(Debug)]
pub struct Page {
    start: usize,
    size: usize,
    is_empty: bool,
    empty_pages: bool,
    list: u64,
    /// The AMI ids of the list. `None` on the first page.
    order: Option<Arc<[String]>>,
}

impl Page {
    pub fn of(parameters: &Parameters, answers: &Answers, lists: &Lists, number: u64) -> Result<Self, ServiceError> {
        let size = page_size(parameters)?.min(answers.image_page_size.max(1));
        let empty_pages = answers.empty_pages;
        let first = Self { start: 0, size, is_empty: empty_pages, empty_pages, list: number, order: None };
        match parameters.get("NextToken").filter(|token| !token.is_empty()) {
            None => Ok(first),
            Some(token) => {
                let invalid = || {
                    ServiceError::new(
                        400,
                        "InvalidParameterValue",
                        format!("The pagination token '{token}' is invalid"),
                    )
                };
                let (start, is_empty, list) = read_token(token).ok_or_else(invalid)?;
                let order = lists.order(list).ok_or_else(invalid)?;
                Ok(Self { start, is_empty, list, order: Some(order), ..first })
            }
        }
    }

    /// The number of the list. Its order depends on it.
    pub fn list(&self) -> u64 {
        self.list
    }

    /// The AMI ids of the list. On the first page, it is what matches now.
    pub fn order(&self, matching: &[&Image]) -> Arc<[String]> {
        self.order.clone().unwrap_or_else(|| matching.iter().map(|image| image.ami_id.clone()).collect())
    }

    /// The page's range of the `total` images, and the token of the next page.
    pub fn range(&self, total: usize) -> (Range<usize>, Option<String>) {
        let start = self.start.min(total);
        let end = if self.is_empty { start } else { total.min(start + self.size) };
        let is_last = end == total && (self.is_empty || !self.empty_pages) && (!self.is_empty || start == total);
        let next_is_empty = self.empty_pages && !self.is_empty;
        let token = (!is_last).then(|| format!("p{:x}-{:x}-{:x}", end, u8::from(next_is_empty), self.list));
        (start..end, token)
    }
}

/// Those of the images whose ids are on the page, in its order.
pub fn picked<'a>(matching: Vec<&'a Image>, page: &[String]) -> Vec<&'a Image> {
    let places: HashMap<&str, usize> = page.iter().enumerate().map(|(place, id)| (id.as_str(), place)).collect();
    let place = |image: &Image| places.get(image.ami_id.as_str()).copied();
    let mut picked: Vec<&Image> = matching.into_iter().filter(|image| place(image).is_some()).collect();
    picked.sort_by_key(|image| place(image));
    picked
}

fn read_token(token: &str) -> Option<(usize, bool, u64)> {
    let mut parts = token.strip_prefix('p')?.split('-');
    let start = usize::from_str_radix(parts.next()?, 16).ok()?;
    let is_empty = parts.next()? == "1";
    let list = u64::from_str_radix(parts.next()?, 16).ok()?;
    Some((start, is_empty, list))
}

fn page_size(parameters: &Parameters) -> Result<usize, ServiceError> {
    let Some(written) = parameters.get("MaxResults") else {
        return Ok(usize::MAX);
    };
    let invalid = |expecting: &str| {
        let message = format!("Value ( {written} ) for parameter maxResults is invalid. Expecting {expecting}.");
        ServiceError::new(400, "InvalidParameterValue", message)
    };
    match written.parse::<usize>() {
        Ok(size @ 5..=1000) => Ok(size),
        Ok(0..5) => Err(invalid("a value greater than or equal to 5")),
        Ok(_) => Err(invalid("a value less than or equal to 1000")),
        Err(_) => Err(invalid("an integer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(total: usize, answers: &Answers) -> Vec<usize> {
        let mut page = Page::of(&Parameters::default(), answers, &Lists::default(), 7).unwrap();
        let mut sizes = Vec::new();
        loop {
            let (range, token) = page.range(total);
            sizes.push(range.len());
            let Some(token) = token else { return sizes };
            let (start, is_empty, list) = read_token(&token).unwrap();
            page = Page { start, is_empty, list, ..page };
        }
    }

    #[test]
    fn pages_cover_everything_and_the_last_has_no_token() {
        let answers = Answers { image_page_size: 2, ..Answers::default() };
        assert_eq!(sizes(5, &answers), [2, 2, 1]);
        assert_eq!(sizes(4, &answers), [2, 2]);
        assert_eq!(sizes(0, &answers), [0]);
    }

    #[test]
    fn an_empty_page_comes_before_each_page_and_at_the_end() {
        let answers = Answers { image_page_size: 2, empty_pages: true, ..Answers::default() };
        assert_eq!(sizes(3, &answers), [0, 2, 0, 1, 0]);
        assert_eq!(sizes(0, &answers), [0]);
    }
}
